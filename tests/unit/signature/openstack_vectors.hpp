#pragma once

// Made once, outside of this project, as OpenStack's documentation tells those who sign images:
//   openssl dgst -sha256 -sign key.pem -sigopt rsa_padding_mode:pss -out image.signature image; base64 -w 0
// and with python-cryptography (PSS, MGF1 with the same hash, the longest salt). cursive accepts both.
namespace basecache::test {

inline constexpr const char* kOpenstackImage = "basecache signs this image";

// CN=image signer, 2020 to 2120, RSA 2048.
inline constexpr const char* kOpenstackCertificate = R"(-----BEGIN CERTIFICATE-----
MIICqTCCAZGgAwIBAgIBATANBgkqhkiG9w0BAQsFADAXMRUwEwYDVQQDDAxpbWFn
ZSBzaWduZXIwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBcxFTAT
BgNVBAMMDGltYWdlIHNpZ25lcjCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoC
ggEBALLysHSGEOzzIf3bky6a4juhVMR/2tAl4G5M+xfvUAOl/BF/FQ0wc/8N27x6
BMuKK/it/MJvrgFcNNtsd5OPOcRYDyROGRK26YwcgW/Gf2BFTP8RS687EdnjcAJX
Yp+70yf/uFybPB9n3O6ZEGaccxvfZTwSc6fg2zR32cTBoNFWQZV94rO/C92ykgw2
ZO+P/YKU3/an4hGVn0bfzmQyXY4u+sB11j4M4wjtbi/6WQ/o2hogutw2a0EqwDhD
4hJkAQZ/ZpIvmTBltbcWRLpfUVW65DvyiCzpWjJHasQ/GKo5AZ3RH4g3AtKVcd4Y
SLJUUGIq9nIHJH0Oa/XcVuc1qzkCAwEAATANBgkqhkiG9w0BAQsFAAOCAQEASxPF
ySC/n9jkUigoNVVB3FQeEQSOuBFQl3MS+aWUsN7ylGWx/KDhdk6Nhwh3g0GpjXdF
SnJTgcdV70V6X53Jrz20DK8fGMkk2E7ZZI8/NiGe/V7Lo+9NG7rjm73iZ/mdGQoc
QZAiftevBbYPg8Vgdl9rGMV8VeeVgUHUSNjPRviNO9uEoL9HosOCK7/+NjbNnAjp
MeR5l6HfstRRSFwR4akkGG7Gjh1Php336Holy2wLOaYEND88Ac383eAxrd7YT7Lk
i+J+WrW/ORCpSxYEFOoa90as5Ywe2kYBHbxEVFM520Z3kmwGz3zDA8MjDH3QZLKa
LGGdX8hfSGYPHDWbqw==
-----END CERTIFICATE-----
)";

inline constexpr const char* kSignatureByOpenssl =  // SHA-256
    "PhnaDmJxqZHGIkTTbSZC52SrHyYt4wnzduIYBuPojIgZaO0ZNdzLC1Oy+zwU5Wv9S+pel12UJWHTjMOicXFeyFpJd0rf/PmNyCgF"
    "E7nItRAck4oc8UvH1GtvtulygrBb1UAuBSBHE5IeB7PbzXfe7/MySLHaCwTcseO1rZPNP96RY9wcPnIWsD212NRvFDTxalHXHe7Q"
    "e0OUPAsiNDM4Mj0NtFQgF7JWASt7CzXkA5vaESn8wc0GNuvAn+8+qPnLjt+fucqafNCo7ovrP3J8N6APBkeVlCcsITtuYcqC2q7y"
    "ELN0r6pvejdfMOoULy6E6bI6OinrrtLrHjqyR5CsNQ==";

inline constexpr const char* kSignatureByCryptography =  // SHA-512
    "iWh4jEreYkfD+u1uRrcAGZYSJmUoKQmcBZlbOGzOslfGHxKbuNjtTPkGeabezfmyMI6NqyKYYvMbqAtT6XfGWwOtn+sutod2Juxs"
    "vdXcMvhA5dz4FI6TtSTR/0RSSCxluZGqf6binr+zwQAxrc3JvUeQRH4e/920kD3l8kkq1N1cxDUOxSohAB07xTlSzLTvxVLyIieo"
    "AnL175+UPv5NNYEgfUxZbhD0VVNyEK2KdrE4stJWu1M2Sz8pACAgnsP81ifa11rsLg0GGCJYX8uq9liS/KCnHBe6sxdOyZ4zbwb+"
    "rMan92NNnE5WpZdqhcASJHi9uH0dfVrlq5naxLJbdQ==";

}  // namespace basecache::test
