"""What an instance is told when it starts, taken apart."""

import base64

import yaml


class UserData:
    def __init__(self, text):
        self.text = text
        self.document = yaml.safe_load(text)
        self.files = {file["path"]: file for file in self.document.get("write_files", [])}

    def text_of(self, path):
        return self.files[path]["content"]

    def scripts(self):
        """Files that begin with #!, and commands that are given to a shell."""
        found = {path: file["content"] for path, file in self.files.items() if file["content"].startswith("#!")}
        for number, command in enumerate(self.document.get("runcmd", [])):
            if isinstance(command, str):
                found[f"runcmd {number}"] = f"#!/bin/sh\n{command}\n"
        return found

    def units(self):
        return {path: file["content"] for path, file in self.files.items() if path.startswith("/etc/systemd/system/")}


def of(plan):
    """Every user data of a plan, by the address of its resource."""
    texts = {a: base64.b64decode(v["user_data"]).decode() for a, v in plan.all("aws_launch_template").items()}
    texts |= {a: v["user_data"] for a, v in plan.all("aws_instance").items()}
    # A bucket's id is its name; the stand-in for the provider makes another up.
    for bucket in plan.all("aws_s3_bucket").values():
        texts = {address: text.replace(bucket["id"], bucket["bucket"]) for address, text in texts.items()}
    return {address: UserData(text) for address, text in texts.items()}
