"""moto's server, with what moto lacks of AWS Glue.

Prints its address, one line, and ends when its input ends. For each line of input
it becomes two: the other has all that this one holds, goes its own way from there,
and has its address printed too.

moto does not know UpdateJob, BatchStopJobRun and UpdateTrigger, overwrites a job
that is there already, and fills in no defaults. Here a job's definition and a
trigger's are kept as they came, so that fields which this file does not know
survive too, as they would in a newer Glue.
"""

import json
import logging
import os
import re
import select
import signal
import threading

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.glue.exceptions import EntityNotFoundException, GlueClientError
from moto.glue.models import FakeJob, FakeJobRun
from moto.glue.responses import GlueResponse
from moto.glue.utils import Action, Predicate
from moto.iam.access_control import IAMRequest, IAMRequestBase
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

READ_ONLY = {"Name", "Tags", "CreatedOn", "LastModifiedOn", "ProfileName", "AutoUpgradeMetadata"}
TERMINAL = {"STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT", "ERROR", "EXPIRED"}
DPU = {
    "Standard": 1, "G.025X": 0.25, "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.12X": 12, "G.16X": 16,
    "R.1X": 1, "R.2X": 2, "R.4X": 4, "R.8X": 8, "Z.2X": 2,
}  # fmt: skip


class AlreadyExists(GlueClientError):
    def __init__(self, message):
        super().__init__("AlreadyExistsException", message)


class InvalidInput(GlueClientError):
    def __init__(self, message):
        super().__init__("InvalidInputException", message)


def raw(answer):
    """An answer as it is, while moto's own way drops the fields that it does not know."""
    return json.dumps(answer, default=lambda when: when.timestamp())


# Jobs


def check_job(given):
    if not given.get("Command"):
        raise InvalidInput("Command cannot be null or empty")
    if given.get("WorkerType") and ("MaxCapacity" in given or "AllocatedCapacity" in given):
        raise InvalidInput("Please do not set Max Capacity if using Worker Type and Number of Workers.")
    if "MaxCapacity" in given and "AllocatedCapacity" in given:
        raise InvalidInput("Please set only Allocated Capacity or Max Capacity.")
    if given["Command"].get("Name") == "glueray" and "Timeout" in given:
        raise InvalidInput("Timeout not supported for Ray jobs.")
    if not 1 <= given.get("Timeout", 1) <= 10080:
        raise InvalidInput("Timeout must be between 1 and 10080 minutes.")


def capacity_of(given, kind):
    """The DPUs of a job, which Glue shows even where workers were asked for."""
    if given.get("WorkerType"):
        return float(given.get("NumberOfWorkers", 0) * DPU[given["WorkerType"]])
    return float(given.get("MaxCapacity", given.get("AllocatedCapacity", 0.0625 if kind == "pythonshell" else 10)))


def definition_of(given):
    """What Glue keeps of a job: what it was given, and its own defaults for the rest."""
    given = {k: v for k, v in given.items() if v is not None and k not in READ_ONLY}
    check_job(given)
    version = given.get("GlueVersion", "5.1")
    command = {"PythonVersion": "2", **given["Command"]}
    kind = command.get("Name")
    defaults = {
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        "GlueVersion": version,
        "JobMode": "SCRIPT",
        "JobRunQueuingEnabled": False,
        "MaxRetries": 0,
    }
    if kind in ("glueetl", "pythonshell"):
        defaults["Timeout"] = 2880 if version < "5" else 480
    if kind == "glueetl":
        defaults["ExecutionClass"] = "STANDARD"
    capacity = capacity_of(given, kind)
    return {**defaults, **given, "Command": command, "MaxCapacity": capacity, "AllocatedCapacity": int(capacity)}


def keep(job, definition):
    """Sets a job's definition, and the parts of it that moto needs to start runs."""
    job.definition = definition
    job.execution_property = definition["ExecutionProperty"]
    job.default_arguments = definition.get("DefaultArguments") or {}
    job.non_overridable_arguments = definition.get("NonOverridableArguments")
    job.allocated_capacity, job.max_capacity = definition["AllocatedCapacity"], definition["MaxCapacity"]
    job.timeout = definition.get("Timeout")
    job.worker_type, job.number_of_workers = definition.get("WorkerType"), definition.get("NumberOfWorkers")
    job.security_configuration = definition.get("SecurityConfiguration")
    job.notification_property = definition.get("NotificationProperty")
    job.last_modified_on = utcnow()


def described(job):
    return {**job.definition, "Name": job.name, "CreatedOn": job.created_on, "LastModifiedOn": job.last_modified_on}


moto_create_job = GlueResponse.create_job


def create_job(self):
    name = self.parameters["Name"]
    if name in self.glue_backend.jobs:
        raise AlreadyExists(f"Job with name {name} already submitted with different configuration")
    definition = definition_of(self.parameters)
    answer = moto_create_job(self)
    keep(self.glue_backend.jobs[name], definition)
    return answer


def update_job(self):
    """Replaces the definition; of the old one only the Glue version stays."""
    job = self.glue_backend.get_job(self.parameters["JobName"])
    update = self.parameters.get("JobUpdate") or {}
    keep(job, definition_of({"GlueVersion": job.definition["GlueVersion"], **update}))
    return ActionResult({"JobName": job.name})


def get_job(self):
    return raw({"Job": described(self.glue_backend.get_job(self.parameters["JobName"]))})


def get_jobs(self):
    token, limit = self._get_param("NextToken"), self._get_int_param("MaxResults")
    jobs, token = self.glue_backend.get_jobs(next_token=token, max_results=limit)
    return raw({"Jobs": [described(job) for job in jobs], "NextToken": token})


def batch_get_jobs(self):
    names, jobs = self.parameters["JobNames"], self.glue_backend.jobs
    found = [described(jobs[name]) for name in names if name in jobs]
    return raw({"Jobs": found, "JobsNotFound": [name for name in names if name not in jobs]})


def delete_job(self):
    """Takes the tags along, unlike moto."""
    name = self.parameters["JobName"]
    if name in self.glue_backend.jobs:
        forget_tags(self, self.glue_backend.jobs[name].arn)
        self.glue_backend.delete_job(name)
    return ActionResult({"JobName": name})


# Runs


moto_start_job_run = GlueResponse.start_job_run
moto_job_runs = FakeJob.get_job_runs
moto_run = FakeJobRun.as_dict


def start_job_run(self):
    answer = moto_start_job_run(self)
    job = self.glue_backend.get_job(self.parameters["JobName"])
    run = job.job_runs[-1]
    run.glue_version = job.definition["GlueVersion"]
    run.execution_class = self.parameters.get("ExecutionClass") or job.definition.get("ExecutionClass")
    return answer


def run_as_dict(run):
    shown = moto_run(run)
    shown |= {"GlueVersion": run.glue_version, "ExecutionClass": run.execution_class, "LogGroupName": "/aws-glue/jobs"}
    if shown["JobRunState"] not in TERMINAL:
        shown |= {"CompletedOn": None, "ExecutionTime": 0}
    return shown


def newest_first(job):
    return moto_job_runs(job)[::-1]


def batch_stop_job_run(self):
    job = self.glue_backend.get_job(self.parameters["JobName"])
    runs = {run.job_run_id: run for run in job.job_runs}
    stopped, errors = [], []
    for run_id in self.parameters["JobRunIds"]:
        one, run = {"JobName": job.name, "JobRunId": run_id}, runs.get(run_id)
        if run is None:
            errors.append(one | {"ErrorDetail": {"ErrorCode": "JobRunNotFoundException"}})
        elif run.status in TERMINAL:
            errors.append(one | {"ErrorDetail": {"ErrorCode": "JobRunInTerminalStateException"}})
        else:
            run._status, run._transitions = "STOPPING", [("STOPPING", "STOPPED")]
            stopped.append(one)
    return ActionResult({"SuccessfulSubmissions": stopped, "Errors": errors})


# Triggers


moto_create_trigger = GlueResponse.create_trigger


def trigger_definition(given):
    given = {k: v for k, v in given.items() if v is not None and k not in {"Name", "StartOnCreation", "Tags"}}
    schedule = given.get("Schedule")
    if schedule and not re.fullmatch(r"cron\((\S+ ){5}\S+\)", schedule):
        raise InvalidInput(f"Schedule {schedule} is not a valid cron expression.")
    return given


def create_trigger(self):
    name = self.parameters["Name"]
    if name in self.glue_backend.triggers:
        raise AlreadyExists(f"Trigger with name {name} already submitted with different configuration")
    definition = trigger_definition(self.parameters)
    answer = moto_create_trigger(self)
    self.glue_backend.triggers[name].definition = definition
    return answer


def update_trigger(self):
    """Replaces the definition; type, workflow and state stay."""
    trigger = self.glue_backend.get_trigger(self.parameters["Name"])
    update = trigger_definition(self.parameters["TriggerUpdate"])
    stays = {k: v for k, v in trigger.definition.items() if k in {"Type", "WorkflowName"}}
    trigger.definition = {**stays, **update}
    trigger.actions = [Action(action) for action in update.get("Actions", [])]
    trigger.predicate = Predicate(update["Predicate"]) if "Predicate" in update else None
    return raw({"Trigger": described_trigger(trigger)})


def described_trigger(trigger):
    return {**trigger.definition, "Name": trigger.name, "State": trigger.state}


def get_trigger(self):
    return raw({"Trigger": described_trigger(self.glue_backend.get_trigger(self.parameters["Name"]))})


def get_triggers(self):
    triggers, token = self.glue_backend.get_triggers(
        next_token=self._get_param("NextToken"),
        dependent_job_name=self._get_param("DependentJobName"),
        max_results=self._get_int_param("MaxResults"),
    )
    return raw({"Triggers": [described_trigger(trigger) for trigger in triggers], "NextToken": token})


def batch_get_triggers(self):
    names, triggers = self.parameters["TriggerNames"], self.glue_backend.triggers
    found = [described_trigger(triggers[name]) for name in names if name in triggers]
    return raw({"Triggers": found, "TriggersNotFound": [name for name in names if name not in triggers]})


def delete_trigger(self):
    name = self.parameters["Name"]
    if name in self.glue_backend.triggers:
        forget_tags(self, self.glue_backend.triggers[name].arn)
        self.glue_backend.delete_trigger(name)
    return ActionResult({"Name": name})


# Tags


def forget_tags(self, arn):
    self.glue_backend.tagger.delete_all_tags_for_resource(arn)


def tagged(self):
    """The resource of a call about tags; that of a job or a trigger has to be there."""
    arn = self.parameters["ResourceArn"]
    kind, _, name = arn.split(":", 5)[5].partition("/")
    there = {"job": self.glue_backend.jobs, "trigger": self.glue_backend.triggers}.get(kind)
    if there is not None and name not in there:
        raise EntityNotFoundException(f"Resource not found: {arn}")
    return arn


def get_tags(self):
    return ActionResult({"Tags": self.glue_backend.get_tags(tagged(self))})


def tag_resource(self):
    self.glue_backend.tag_resource(tagged(self), self.parameters.get("TagsToAdd", {}))
    return EmptyResult()


def untag_resource(self):
    self.glue_backend.untag_resource(tagged(self), self.parameters.get("TagsToRemove"))
    return EmptyResult()


# Rights


moto_deny = IAMRequest._raise_access_denied


def deny(request):
    """Says no as services do that speak JSON, which moto does in XML."""
    if "X-Amz-Target" not in request._headers:
        moto_deny(request)
    arguments = json.loads(request._body or "{}")
    job = arguments.get("JobName") or arguments.get("Name")
    where = f" on resource: arn:aws:glue:{request._region}:{request.account_id}:job/{job}" if job else ""
    raise JsonRESTError(
        "AccessDeniedException",
        f"User: {request._access_key.arn} is not authorized to perform: {request._action}{where}"
        f" because no identity-based policy allows the {request._action} action",
    )


def extend():
    calls = [
        create_job, update_job, get_job, get_jobs, batch_get_jobs, delete_job,
        start_job_run, batch_stop_job_run,
        create_trigger, update_trigger, get_trigger, get_triggers, batch_get_triggers, delete_trigger,
        get_tags, tag_resource, untag_resource,
    ]  # fmt: skip
    for call in calls:
        setattr(GlueResponse, call.__name__, call)
    FakeJob.get_job_runs = newest_first
    FakeJobRun.as_dict = run_as_dict
    # moto works out another signature than the SDK for Go of a request with a query.
    IAMRequestBase.check_signature = lambda _: None
    IAMRequest._raise_access_denied = deny


def atomically(app):
    """S3 looks at a condition and writes in one step; moto in two, with a thread for each request."""
    lock = threading.Lock()

    def answer(environ, start_response):
        if "HTTP_IF_NONE_MATCH" not in environ and "HTTP_IF_MATCH" not in environ:
            return app(environ, start_response)
        with lock:
            return app(environ, start_response)

    return answer


def new_server():
    server = make_server("127.0.0.1", 0, atomically(DomainDispatcherApplication(create_backend_app)), threaded=True)
    os.environ["MOTO_PORT"] = str(server.port)
    return server


def tell(server):
    print(f"http://127.0.0.1:{server.port}", flush=True)


def copy_for_each_line():
    """Nobody may call this server while it is copied: a fork has this thread alone."""
    while os.read(0, 1):
        if os.fork() == 0:
            threading.Thread(target=end_with_input, daemon=True).start()
            server = new_server()
            tell(server)
            server.serve_forever()
    os._exit(0)


def end_with_input():
    """A copy leaves what comes in to the one that it was copied from."""
    poll = select.poll()
    poll.register(0, select.POLLHUP)
    poll.poll()
    os._exit(0)


def main():
    extend()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = new_server()
    threading.Thread(target=copy_for_each_line, daemon=True).start()
    tell(server)
    server.serve_forever()


if __name__ == "__main__":
    main()
