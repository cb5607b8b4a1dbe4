"""Who we are to a real Keystone: each way to authenticate, tokens that end, requesters with tokens of their own."""

import unittest

import images
from cloud_story import CloudStory
from harness import DAEMON, Daemon, eventually, new_uuid
from keystone_peer import new_user
from openstack_peer import CLOUD_OF_APPLICATION, OpenStack
from socket_client import Client


class Identity(CloudStory):
    """With images that only their project sees: who authenticates as somebody else doesn't get them."""

    def demos_image(self) -> str:
        """A private image of project demo."""
        self.variables = self.cloud.openrc("demo")
        made = self.image_cli("import", images.other_raw(), "--visibility", "private", "--disk-format", "raw")
        self.assertEqual(made.code, 0, made.err)
        self.variables = {}
        return made.json["id"]

    def wait_for_end(self) -> None:
        for daemon in self.daemons:
            daemon.stop()


class Authentication(Identity):
    def assert_daemon_gets(self, access: dict) -> None:
        image = self.demos_image()
        _, client = self.cloud_daemon(access)
        answer = self.precache(client, image)
        self.assert_precached(answer)
        self.wait_for_end()
        self.assert_no_secret_told(answer.body)

    def test_the_daemon_gets_in_by_password(self):
        self.assert_daemon_gets(self.by_password("demo"))

    def test_the_daemon_gets_in_by_application_credential(self):
        self.assert_daemon_gets(self.by_application_credential())

    def test_the_daemon_gets_in_by_token(self):
        self.assert_daemon_gets({"auth_url": self.cloud.auth_url, "auth_type": "token",
                                 "token": self.cloud.token("demo"), "project_name": "demo",
                                 "project_domain_name": "Default"})

    def test_a_nova_conf_is_all_the_daemon_needs(self):
        """As a compute node has it, with options of sections that we share and of others."""
        image, account = self.demos_image(), self.cloud.users["demo"]
        nova = self.scratch / "nova.conf"
        nova.write_text(f"""[DEFAULT]
transport_url = rabbit://openstack:canary-of-a-queue@controller
instances_path = {self.instances_path}
compute_driver = libvirt.LibvirtDriver
[api]
auth_strategy = keystone
[keystone_authtoken]
www_authenticate_uri = {self.cloud.auth_url}
auth_url = {self.cloud.auth_url}
memcached_servers = controller:11211
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = {account.project}
username = {account.name}
password = {account.password}
service_token_roles_required = true
[glance]
valid_interfaces = internal,public
region_name = RegionOne
num_retries = 3
enable_rbd_download = false
[neutron]
auth_url = {self.cloud.auth_url}
password = canary-of-a-network
""")
        daemon = Daemon([DAEMON, "--nova-conf", nova, "--socket", self.scratch / "agent.sock"], self.environment())
        self.addCleanup(daemon.close)
        self.daemons.append(daemon)
        self.assert_precached(self.precache(Client(self.scratch / "agent.sock"), image))
        self.wait_for_end()
        self.assert_no_secret_told()
        self.assertNotIn("canary", daemon.text())

    def assert_cli_gets(self, **variables: object) -> None:
        """With nothing but the environment: it shows the image, and makes an instance of it without a daemon."""
        image = self.demos_image()
        self.variables = variables
        shown = self.image_cli("show", image)
        self.assertEqual(shown.code, 0, shown.err)
        self.assertEqual(shown.json["status"], "active")
        made = self.cli("--standalone", "--json", "create", "--instance", new_uuid(), "--image", image)
        self.assertEqual(made.code, 0, made.err)
        self.assert_no_secret_told(shown, made)

    def test_the_command_line_gets_in_by_clouds_yaml(self):
        for cloud in ("demo", CLOUD_OF_APPLICATION):
            with self.subTest(cloud):
                self.assert_cli_gets(OS_CLOUD=cloud, OS_CLIENT_CONFIG_FILE=self.cloud.clouds_yaml)

    def test_the_command_line_gets_in_by_variables(self):
        for variables in (self.cloud.openrc("demo"), self.cloud.application_openrc()):
            with self.subTest(variables["OS_AUTH_TYPE"]):
                self.assert_cli_gets(**variables)

    def test_the_command_line_takes_the_daemons_configuration_when_the_environment_says_nothing(self):
        image = self.demos_image()
        config = self.config(keystone_authtoken=self.by_password("demo"))
        shown = self.cli("--json", "image", "show", image, "--registry", "glance", config=config)
        self.assertEqual(shown.code, 0, shown.err)

    def test_a_wrong_password_is_named_but_not_told(self):
        access = {**self.by_password("demo"), "password": "canary-of-a-password"}
        _, client = self.cloud_daemon(access)
        answer = self.precache(client, new_uuid())
        self.assert_refused(answer, 502, "source_unauthorized", self.cloud.auth_url, "demo", "credentials")
        self.variables = {**self.cloud.openrc("demo"), "OS_PASSWORD": "canary-of-a-password"}
        refused = self.image_cli("list")
        self.assertEqual(refused.code, 5, refused.err)
        self.wait_for_end()
        for told in (answer.body.decode(), refused.err, self.daemons[0].text()):
            self.assertNotIn("canary-of-a-password", told)

    def test_a_region_that_the_catalog_does_not_have_is_named(self):
        _, client = self.cloud_daemon(sections={"glance": {"region_name": "nowhere"}})
        answer = self.precache(client, new_uuid())
        self.assertIn(answer.status, (400, 502), answer.body)
        self.assertIn("nowhere", answer.body.decode())


class Renewal(Identity):
    def setUp(self) -> None:
        super().setUp()
        self.counter = self.counter_before()

    def test_a_token_revoked_between_two_images_is_renewed(self):
        first, second = self.demos_image(), self.demos_image()
        _, client = self.cloud_daemon(self.by_password("demo"), servers=self.counter.url)
        self.assert_precached(self.precache(client, first))
        used, = self.counter.tokens
        self.cloud.keystone.revoke(used)
        self.assert_precached(self.precache(client, second))
        self.assertEqual(len(self.counter.tokens), 2)
        self.assertEqual(self.counter.statuses.count(401), 1)

    def test_a_token_revoked_between_the_record_and_the_bytes_is_renewed(self):
        """The answer to the first request is held until its token has gone."""
        image = self.demos_image()
        _, client = self.cloud_daemon(self.by_password("demo"), servers=self.counter.url)
        self.counter.hold_at(10)
        stream = client.stream("POST", "/v1/cache/images", {"image_ref": image})
        self.counter.wait_sent(10)
        self.cloud.keystone.revoke(self.counter.tokens[0])
        self.counter.let_go()
        self.assertEqual(stream.last()["event"], "result")
        self.assertEqual(self.counter.asked, [f"GET /v2/images/{image}"] + 2 * [f"GET /v2/images/{image}/file"])
        self.assertEqual(self.counter.statuses, [200, 401, 200])

    def test_a_token_revoked_in_the_middle_of_a_transfer_that_breaks_off_is_renewed(self):
        image, size = self.imported(images.raw())["id"], images.raw().stat().st_size
        _, client = self.cloud_daemon(servers=self.counter.url)
        self.counter.hold_at(size // 2)
        stream = client.stream("POST", "/v1/cache/images", {"image_ref": image})
        self.counter.wait_sent(size // 2)
        self.cloud.keystone.revoke(self.counter.tokens[0])
        self.counter.cut()
        self.counter.let_go()
        self.assertEqual(stream.last()["event"], "result")
        self.assert_published(image)
        self.assertEqual(self.counter.statuses, [200, 200, 401, 206])
        self.assertLess(self.counter.sent, 1.1 * size)

    def test_a_given_token_that_ended_is_not_renewed_and_says_so(self):
        image, token = self.demos_image(), self.cloud.token("demo")
        self.cloud.keystone.revoke(token)
        _, client = self.cloud_daemon({"auth_url": self.cloud.auth_url, "auth_type": "token", "token": token})
        self.assert_refused(self.precache(client, image), 502, "source_unauthorized", "token", "expired", "revoked")


class Requesters(Identity):
    """Those who bring a token of their own."""

    def outsider(self) -> dict[str, object]:
        """[keystone_authtoken] of a user who sees nothing of project demo."""
        user = new_user(new_uuid(), "elsewhere")
        self.cloud.keystone.add_user(user, "member")
        return {**self.by_password(), "username": user.name, "password": user.password, "project_name": user.project}

    def test_a_requesters_token_fetches_what_the_daemon_may_not_see(self):
        image, token = self.demos_image(), self.cloud.token("demo")
        _, client = self.cloud_daemon(self.outsider())
        self.assert_refused(self.precache(client, image), 404, "image_not_found", image)
        answer = self.precache(client, image, token=token)
        self.assert_precached(answer)
        self.wait_for_end()
        self.assert_no_secret_told(answer.body)
        self.assertNotIn(token, self.daemons[0].text())

    def test_a_requesters_token_serves_a_daemon_without_credentials(self):
        image, token = self.demos_image(), self.cloud.token("demo")
        _, client = self.cloud_daemon({}, servers=self.cloud.image_url)
        self.assert_refused(self.precache(client, image), 502, "source_unauthorized", "401")
        self.assert_precached(self.precache(client, image, token=token))

    def test_the_command_line_hands_on_its_token(self):
        image = self.demos_image()
        _, client = self.cloud_daemon({}, servers=self.cloud.image_url)
        self.variables = {"OS_TOKEN": self.cloud.token("demo")}
        made = self.cli("--socket", client.path, "--json", "create", "--instance", new_uuid(), "--image", image)
        self.assertEqual(made.code, 0, made.err)

    def test_a_requesters_token_that_ended_is_refused_although_ours_would_do(self):
        image, token = self.demos_image(), self.cloud.token("demo")
        self.cloud.keystone.revoke(token)
        _, client = self.cloud_daemon(self.by_password("demo"))
        self.assert_refused(self.precache(client, image, token=token), 502, "source_unauthorized", "401")
        self.assert_precached(self.precache(client, image))


class Expiry(CloudStory):
    @classmethod
    def setUpClass(cls) -> None:
        cls.cloud = cls.enterClassContext(OpenStack(token_expiration=8))

    def test_a_token_is_renewed_before_it_expires(self):
        counter = self.counter_before()
        _, client = self.cloud_daemon(servers=counter.url)

        def is_renewed() -> bool:
            self.assertEqual(self.precache(client, new_uuid()).status, 404)
            return len(counter.tokens) > 1

        eventually(is_renewed, "another token is used")
        self.assertEqual(set(counter.statuses), {404})


if __name__ == "__main__":
    unittest.main(verbosity=2)
