#pragma once

#include <sys/types.h>

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "agent/api/operation.hpp"
#include "agent/api/use_cases.hpp"

namespace basecache::api {

class Operations;

// A request as the door understands it, whoever carried it.
struct Request {
  std::string method;  // "GET"
  std::string target;  // "/v1/cache"; a query stands in the table of paths where it is taken, and else is refused
  std::string body;
  Secret token = {};  // the requester's own, for the registry (X-Auth-Token)
};

// What a request asks for. All of the request was checked before there is one.
struct Task {
  OperationSubject subject;
  bool is_long = false;  // to be run as an operation, with progress; else at once
  Work work;
  // Before the work is begun, or joined, told who asks; not at all for one who has gone. May be empty.
  std::function<void(uid_t caller)> at_first = {};
  bool ends_with_client = false;  // what is run at once is cancelled when its client goes
};

Task at_once(Work work);
// Its answer gets its timing and the operation's notes besides.
Task long_task(OperationSubject subject, Work work);

// The paths of the API (README, "The socket") and what they lead to. Answers nothing itself, so the socket's server and
// the CLI's --standalone run the same tasks.
class Routes {
 public:
  // Both must outlive this.
  Routes(UseCases use_cases, Operations& operations) : use_cases_(use_cases), operations_(operations) {}

  // Error(not_found) for an unknown path, Error(invalid_request) for a method it doesn't have or a wrong body.
  Task task(const Request& request) const;

 private:
  using Names = std::vector<std::string>;  // what stands in the target for {uuid}, {suffix}, {key}, {id}
  using Handler = Task (Routes::*)(const Names& names, const nlohmann::json& body) const;
  struct Route {
    const char* method;
    const char* path;
    Handler handler;
  };
  static const std::vector<Route>& table();

  Task create_disks(const Names& names, const nlohmann::json& body) const;
  Task plan_domain(const Names& names, const nlohmann::json& body) const;
  Task show_domain(const Names& names, const nlohmann::json& body) const;
  Task show_instance(const Names& names, const nlohmann::json& body) const;
  Task remove_instance(const Names& names, const nlohmann::json& body) const;
  Task remove_suffixed(const Names& names, const nlohmann::json& body) const;
  Task list_cache(const Names& names, const nlohmann::json& body) const;
  Task show_base_file(const Names& names, const nlohmann::json& body) const;
  Task remove_base_file(const Names& names, const nlohmann::json& body) const;
  Task precache(const Names& names, const nlohmann::json& body) const;
  Task pin(const Names& names, const nlohmann::json& body) const;
  Task unpin(const Names& names, const nlohmann::json& body) const;
  Task verify(const Names& names, const nlohmann::json& body) const;
  Task prune(const Names& names, const nlohmann::json& body) const;
  Task prepare_domain(const Names& names, const nlohmann::json& body) const;
  Task reconnect_domain(const Names& names, const nlohmann::json& body) const;
  Task let_domain_go(const Names& names, const nlohmann::json& body) const;
  Task list_operations(const Names& names, const nlohmann::json& body) const;
  Task show_operation(const Names& names, const nlohmann::json& body) const;
  Task cancel_operation(const Names& names, const nlohmann::json& body) const;
  Task health(const Names& names, const nlohmann::json& body) const;
  Task version(const Names& names, const nlohmann::json& body) const;

  UseCases use_cases_;
  Operations& operations_;
};

}  // namespace basecache::api
