"""Reads what the checker leaves of a Terraform folder, and lets the tests ask for values by their Terraform names."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import user_data

INFRA = Path(__file__).resolve().parent.parent
TERRAFORM = INFRA / "terraform"
CHECKER = os.environ.get("MARTLET_TF_CHECK")

# What is checked, and what the checker is told beside terraform.tfvars, which Terraform reads by itself.
VARIANTS = {
    "default": [],
    **{name: [f"-var-file={name}.tfvars"] for name in ["staging", "phase1", "phase2", "phase3", "phase4", "document"]},
    "switches": [f"-var-file={Path(__file__).with_name('switches.tfvars')}"],
}


def copy(folder, tests=False):
    """A copy of the Terraform folder. Its tests take most of the checker's time and know no variables' files."""
    shutil.copytree(TERRAFORM, folder, ignore=None if tests else shutil.ignore_patterns("tests"))
    return folder


class Checked:
    """One run of the checker: fmt, validate, plan, `terraform test`, apply, an empty second plan."""

    def __init__(self, folder, arguments, out):
        run = subprocess.run(
            [CHECKER, str(folder), *arguments],
            env=os.environ | {"TF_OFFLINE_OUT": str(out)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.passed = run.returncode == 0
        self.output = run.stdout
        self.out = Path(out)

    def plan(self):
        assert self.passed, f"the checker refused this:\n{self.output[-6000:]}"
        return Plan(self.out)


class Plan:
    """The resources of an applied plan."""

    def __init__(self, out):
        applied = json.loads((out / "state.json").read_text())["values"]
        self.planned = json.loads((out / "plan.json").read_text())
        self.resources = applied["root_module"]["resources"]
        self.outputs = applied.get("outputs", {})

    def all(self, kind):
        """Every resource of a type: {address: values}."""
        return {r["address"]: r["values"] for r in self.resources if r["type"] == kind and r["mode"] == "managed"}

    def ask(self, expression):
        """The value of an expression such as `aws_subnet.public['ap-northeast-2a'].cidr_block`."""
        return plain(eval(expression, Names(self)))


class Names(dict):
    """What an expression knows: resources by type, data sources, the instances' user data, and a few functions."""

    def __init__(self, plan):
        super().__init__(
            __builtins__={},
            all=all,
            any=any,
            len=len,
            list=list,
            set=set,
            sorted=sorted,
            str=str,
            json=lambda text: wrap(json.loads(text)),
            data={
                r["address"].removeprefix("data."): Value(r["values"]) for r in plan.resources if r["mode"] == "data"
            },
            user_data=user_data.of(plan)["aws_launch_template.app"],
        )
        self.plan = plan

    def __missing__(self, name):
        if not name.startswith("aws_"):
            raise NameError(name)
        return Type(self.plan, name)


class Type:
    """aws_subnet: its resources by name; len() counts them all."""

    def __init__(self, plan, kind):
        self._found = [r for r in plan.resources if r["type"] == kind and r["mode"] == "managed"]
        self._kind = kind

    def __len__(self):
        return len(self._found)

    def __iter__(self):
        return iter([Value(r["values"]) for r in self._found])

    def __getattr__(self, name):
        found = [r for r in self._found if r["name"] == name]
        if found and "index" not in found[0]:
            return Value(found[0]["values"])
        return Instances(f"{self._kind}.{name}", {r["index"]: r["values"] for r in found})


class Instances:
    """The instances of one resource with count or for_each."""

    def __init__(self, address, values):
        self._address, self._values = address, values

    def __len__(self):
        return len(self._values)

    def __iter__(self):
        return iter([Value(v) for v in self._values.values()])

    def __getitem__(self, index):
        if index not in self._values:
            raise KeyError(f"no {self._address}[{index!r}] among {list(self._values)}")
        return Value(self._values[index])

    def __getattr__(self, name):
        raise KeyError(f"no {self._address} in this plan, or it wants an index: {list(self._values)}")


class Value:
    """A resource or a block. A list of one block is read as the block itself."""

    def __init__(self, values):
        self._values = values

    def __getattr__(self, name):
        if name not in self._values:
            raise KeyError(f"no {name} among {sorted(self._values)}")
        return wrap(self._values[name])

    def __getitem__(self, name):
        return wrap(self._values[name])

    def __contains__(self, name):
        return name in self._values


class Blocks(list):
    def __getattr__(self, name):
        if len(self) != 1:
            raise KeyError(f"{name} of {len(self)} blocks")
        return getattr(self[0], name)


def wrap(value):
    if isinstance(value, dict):
        return Value(value)
    if isinstance(value, list):
        return Blocks(wrap(item) for item in value)
    return value


def plain(value):
    """A value as text, the way the table writes it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, set, tuple)):
        return ", ".join(plain(item) for item in (sorted(value) if isinstance(value, set) else value))
    if isinstance(value, Value):
        return json.dumps(value._values, ensure_ascii=False, sort_keys=True)
    return str(value)
