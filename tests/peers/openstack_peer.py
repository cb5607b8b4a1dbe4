"""A real Keystone and a real Glance on free ports of the loopback, with users, a catalog and the OpenStack client.

    cls.cloud = cls.enterClassContext(OpenStack())      # in setUpClass; some 15 seconds

One a test file is enough: tests make their own images in it. Skips where the distribution's packages aren't installed.
"""

import json
import subprocess
from pathlib import Path

from glance_peer import Glance
from keystone_peer import DOMAIN, REGION, ApplicationCredential, Keystone, User, new_user
from process import PATIENCE, Peer, environment, require

CLIENT = "/usr/bin/openstack"
CLOUD_OF_APPLICATION = "application"  # demo's application credential in clouds.yaml


class OpenStack(Peer):
    """The users: `admin`, `demo` (a plain member of project demo), `nova` (a service user). Also clouds of clouds.yaml.

    token_expiration: seconds. show_direct_url: whether Glance's records tell where the bytes are.
    """

    def __init__(self, token_expiration: int = 3600, show_direct_url: bool = True):
        super().__init__()
        self._token_expiration = token_expiration
        self._show_direct_url = show_direct_url
        self.users: dict[str, User] = {}

    def start(self):
        require("OpenStack", "keystone-manage", "uwsgi", "glance-manage", "glance-api", "openstack")
        return super().start()

    def _start(self) -> None:
        self.keystone = Keystone(self, self._token_expiration)
        self.users = {"admin": self.keystone.admin, "glance": new_user("glance", "service"),
                      "nova": new_user("nova", "service"), "demo": new_user("demo", "demo")}
        self.glance = Glance(self, self.keystone, self.users["glance"], self._show_direct_url)
        self.glance.begin_database()
        self.keystone.start()
        self.glance.begin()
        self._add_accounts()
        self._write_clouds()
        self.glance.wait_ready()

    def _add_accounts(self) -> None:
        for service in ("glance", "nova"):
            self.keystone.add_user(self.users[service], "admin", "service")
        self.keystone.add_user(self.users["demo"], "member", "reader")
        self.application_credential = self.keystone.add_application_credential(self.users["demo"], "basecache")
        self.keystone.add_service("glance", "image", self.glance.url)

    # Where it is and how to get in.

    @property
    def auth_url(self) -> str:
        return self.keystone.url

    @property
    def image_url(self) -> str:
        return self.glance.url

    @property
    def image_store(self) -> Path:
        return self.glance.store

    @property
    def clouds_yaml(self) -> Path:
        return self.scratch / "clouds.yaml"

    def token(self, user: str = "admin") -> str:
        return self.keystone.token(self.users[user])

    def openrc(self, user: str = "admin") -> dict[str, str]:
        """The OS_* variables of a user."""
        account = self.users[user]
        return {"OS_AUTH_TYPE": "password", "OS_AUTH_URL": self.auth_url, "OS_IDENTITY_API_VERSION": "3",
                "OS_USERNAME": account.name, "OS_PASSWORD": account.password, "OS_PROJECT_NAME": account.project,
                "OS_USER_DOMAIN_NAME": DOMAIN, "OS_PROJECT_DOMAIN_NAME": DOMAIN,
                "OS_REGION_NAME": REGION, "OS_INTERFACE": "public"}

    def application_openrc(self) -> dict[str, str]:
        """The OS_* variables of demo's application credential."""
        return {"OS_AUTH_TYPE": "v3applicationcredential", "OS_AUTH_URL": self.auth_url,
                "OS_IDENTITY_API_VERSION": "3", "OS_APPLICATION_CREDENTIAL_ID": self.application_credential.id,
                "OS_APPLICATION_CREDENTIAL_SECRET": self.application_credential.secret,
                "OS_REGION_NAME": REGION, "OS_INTERFACE": "public"}

    def secrets(self) -> list[str]:
        """Every secret that was handed out: what no log of ours may hold."""
        return [user.password for user in self.users.values()] + [self.application_credential.secret]

    def _write_clouds(self) -> None:
        clouds = {name: _cloud(_password_auth(self.auth_url, user)) for name, user in self.users.items()}
        clouds[CLOUD_OF_APPLICATION] = {
            **_cloud(_application_auth(self.auth_url, self.application_credential)),
            "auth_type": "v3applicationcredential"}
        self.clouds_yaml.touch(mode=0o600)
        self.clouds_yaml.write_text(_yaml({"clouds": clouds}))

    def openstack(self, *arguments: object, user: str = "admin", settings: dict[str, object] | None = None):
        """Runs the distribution's client as that user, or with those OS_* settings; its JSON."""
        command = [CLIENT, *(str(word) for word in arguments)]
        if _prints_a_record(command):
            command += ["-f", "json"]
        done = subprocess.run(command, env=environment(**(settings or self.openrc(user))), text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, cwd=self.scratch)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None


def _prints_a_record(command: list[str]) -> bool:
    return any(verb in command for verb in ("show", "list", "create", "issue"))


def _password_auth(auth_url: str, user: User) -> dict[str, str]:
    return {"auth_url": auth_url, "username": user.name, "password": user.password, "project_name": user.project,
            "user_domain_name": DOMAIN, "project_domain_name": DOMAIN}


def _application_auth(auth_url: str, credential: ApplicationCredential) -> dict[str, str]:
    return {"auth_url": auth_url, "application_credential_id": credential.id,
            "application_credential_secret": credential.secret}


def _cloud(auth: dict[str, str]) -> dict:
    return {"auth": auth, "region_name": REGION, "interface": "public", "identity_api_version": "3"}


def _yaml(tree: dict, indent: str = "") -> str:
    """Block style, as people write it; strings only."""
    lines = []
    for key, value in tree.items():
        nested = isinstance(value, dict)
        lines.append(f"{indent}{key}:\n{_yaml(value, indent + '  ')}" if nested else f'{indent}{key}: "{value}"\n')
    return "".join(lines)
