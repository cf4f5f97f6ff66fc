package manifest

import (
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/schema"
)

// PlatformType describes a platform.yaml.
func PlatformType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "slipway", Required: true, Type: &schema.Type{Kind: schema.String, Enum: []string{"v1"}}, Help: "The version of this file's format."},
		{Name: "environments", Required: true, Type: mapOf("an environment's name", platformEnvironmentType()), Help: "The places that apps go to. `local` is always one."},
		{Name: "teams", Type: mapOf("a team's name", teamType()), Help: "Who owns apps."},
		{Name: "people", Type: mapOf("a person's short name", personType()), Help: "Who signs, deploys and is called."},
		{Name: "roles", Type: mapOf("a role's name", roleType()), Help: "The hats that people wear when they sign."},
		{Name: "delegations", Type: delegationsType(), Help: "Who stands in for whom, and until when."},
		{Name: "signers", Type: mapOf("a signer's name", signerType()), Help: "The machines that attest what they build and deploy."},
		{Name: "access", Type: accessType(), Help: "Who administers a server, how people sign in to it, and which machines may come."},
		{Name: "calls", Type: mapOf("a name", callType()), Help: "How people are reached when something is wrong."},
		{Name: "quotas", Type: policy.QuotasType(), Help: "How much of something all apps of some environments may hold together."},
		{Name: "rails", Type: policy.RailsType(), Help: "Guard rails: files, or rules written here."},
		{Name: "rails_test", Type: policy.CasesType(), Help: "What the guard rails say in some cases: files, or cases written here."},
		{Name: "checks", Type: mapOf("a check's name", checkType()), Help: "Checks that are asked of every app, besides its own. No app can drop one."},
		{Name: "isolation", Type: isolationType(), Help: "Whether the commands of build steps and checks are isolated by bubblewrap. Default: preferred on a server, else none."},
		{Name: "limits", Type: limitsType(), Help: "What each command of build steps and checks may use."},
		{Name: "merge", Type: platformMergeType(), Help: "What a change needs before it is merged, in every repository."},
		{Name: "notebook", Type: notebookType(), Help: "How notebooks become jobs."},
		{Name: "telemetry", Type: telemetryType(), Help: "Where logs, metrics and traces go."},
		{Name: "prices", Type: &schema.Type{Kind: schema.Folder, What: "the path of a file"}, Help: "A file of prices, which holds before the public ones.", Example: "prices.yaml"},
		{Name: "server", Type: serverType(), Help: "The server that works for this platform."},
	}}
}

func platformEnvironmentType() *schema.Type {
	return &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: []schema.Field{
		{Name: "runtime", Type: &schema.Type{Kind: schema.String, Enum: []string{"local", "glue", "ecs", "kubernetes"}}, Help: "What runs workloads there. Only the environment local may leave it out."},
		{Name: "account", Type: &schema.Type{Kind: schema.String, Pattern: `^[A-Za-z0-9._-]+$`, PatternHelp: "an account, such as \"123456789012\""}, Help: "The cloud account.", Example: "123456789012"},
		{Name: "region", Type: &schema.Type{Kind: schema.String, Pattern: `^[a-z0-9-]+$`, PatternHelp: "a region, such as eu-central-1"}, Help: "The cloud region.", Example: "eu-central-1"},
		{Name: "role", Type: roleARNType("deployer"), Help: "The cloud role that deploys there. Without it, whoever is signed in deploys.", Example: "arn:aws:iam::123456789012:role/slipway-deployer"},
		{Name: "plan_role", Type: roleARNType("planner"), Help: "The cloud role with which plans are made, and which may only read. Without it, plans are made with `role`.", Example: "arn:aws:iam::123456789012:role/slipway-planner"},
		{Name: "assets", Type: &schema.Type{Kind: schema.URL}, Help: "The bucket from which the runtime fetches scripts, where the repository is a folder.", Example: "s3://assets-prod/slipway"},
		{Name: "repository", Type: repositoryType(), Help: "The artifact repository: a folder, or a bucket's URL.", Example: "s3://artifacts-prod/slipway"},
		{Name: "follows", Type: nameType("an environment's name"), Help: "The environment that releases come from. Without it, releases are made here."},
		{Name: "root", Type: &schema.Type{Kind: schema.Folder}, Help: "The folder of a local runtime.", Example: "staging"},
		{Name: "sign_offs", Type: listOf(signOffType()), Help: "The roles that have to say yes before a release comes here."},
		{Name: "soak", Type: &schema.Type{Kind: schema.Duration, Min: new(60.0)}, Help: "How long a release has to be live in the environment before, before it comes here.", Example: "24h"},
		{Name: "runs_on", Type: runsOnType(), Help: "The labels that a server or worker must have to plan, deploy and run there.", Example: "[in-vpc]"},
		{Name: "ledger", Type: &schema.Type{Kind: schema.String, Enum: []string{"server", "repository"}}, Default: "server", Help: "Where what happens there is written down, once there is a server: with `repository` the server leaves the environment alone, and gives it back if it had it."},
		{Name: "segregate", Type: &schema.Type{Kind: schema.Bool}, Default: "false", Help: "Whether those who made a release or wrote its commit are kept from signing for it."},
		{Name: "deployers", Type: listOf(textType()), Help: "The people, roles and teams who may deploy here; everybody if none are named."},
		{Name: "rails", Type: policy.RailsType(), Help: "Guard rails of this environment: files, or rules written here."},
		{Name: "budget", Type: policy.BudgetType(), Help: "What all apps there may cost in an average month.", Example: "500 USD/month"},
		{Name: "freeze", Type: listOf(freezeType()), Help: "Times in which nothing is deployed."},
	}}
}

func roleARNType(example string) *schema.Type {
	return &schema.Type{
		Kind: schema.String, Pattern: `^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$`,
		PatternHelp: "a role's ARN, such as arn:aws:iam::123456789012:role/" + example,
	}
}

func repositoryType() *schema.Type {
	return &schema.Type{Kind: schema.Union, Of: []*schema.Type{{Kind: schema.URL}, {Kind: schema.Folder}}}
}

func signOffType() *schema.Type {
	return &schema.Type{Kind: schema.Union, What: "a role, or {role: qa, count: 2}", Of: []*schema.Type{
		nameType("a role's name"),
		{Kind: schema.Object, Fields: []schema.Field{
			{Name: "role", Required: true, Type: nameType("a role's name"), Help: "The role."},
			{Name: "count", Type: &schema.Type{Kind: schema.Int, Min: new(1.0)}, Default: "1", Help: "How many people in it."},
			{Name: "valid", Type: &schema.Type{Kind: schema.Duration, Min: new(3600.0)}, Help: "How long a yes counts. Without it, it has no end.", Example: "14d", Also: []string{"expires"}},
		}},
	}}
}

func freezeType() *schema.Type {
	date := &schema.Type{Kind: schema.Date}
	why := schema.Field{Name: "why", Required: true, Type: textType(), Help: "Why, as people are told."}
	return &schema.Type{
		Kind: schema.Object,
		Fields: []schema.Field{
			{Name: "from", Type: date, Help: "The first day."},
			{Name: "until", Type: date, Help: "The last day."},
			{Name: "cron", Type: &schema.Type{Kind: schema.Cron}, Help: "When it begins, again and again."},
			{Name: "for", Type: &schema.Type{Kind: schema.Duration, Min: new(60.0)}, Help: "How long it then lasts."},
			why,
		},
		OneOf: [][]string{{"from", "cron"}, {"until", "for"}},
	}
}

func teamType() *schema.Type {
	return &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: []schema.Field{
		{Name: "people", Type: listOf(nameType("a person's short name")), Help: "Who is in it."},
		{Name: "calls", Type: nameType("a name"), Help: "The entry of calls that reaches the team."},
		{Name: "budget", Type: policy.BudgetType(), Help: "What all apps of the team may cost in an average month.", Example: "2000 USD/month"},
		{Name: "groups", Type: listOf(textType()), Help: "Groups of the identity provider, whose members are in the team on a server."},
	}}
}

func personType() *schema.Type {
	return &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: []schema.Field{
		{Name: "name", Type: textType(), Help: "The full name."},
		{Name: "email", Type: &schema.Type{Kind: schema.String, Pattern: `^[^@\s]+@[^@\s]+$`, PatternHelp: "an e-mail address"}, Help: "The e-mail address."},
		{Name: "login", Type: textType(), Help: "The login at the forge.", Also: []string{"github", "gitlab", "gitea"}},
		{Name: "keys", Type: listOf(textType()), Help: "The public keys that sign for the person, of the type ssh-ed25519.", Example: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI... ana"},
	}}
}

func roleType() *schema.Type {
	return &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: []schema.Field{
		{Name: "people", Type: listOf(nameType("a person's short name")), Help: "Who is in it."},
	}}
}

func callType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "webhook", Type: urlOrSecret(), Help: "An address that is called with the message as JSON."},
		{Name: "slack", Type: urlOrSecret(), Help: "The address of an incoming webhook of Slack.", Example: "{secret: slack/data-platform}"},
		{Name: "email", Type: listOf(textType()), Help: "E-mail addresses."},
		{Name: "people", Type: listOf(nameType("a person's short name")), Help: "People, by their own addresses."},
		{Name: "quiet", Type: &schema.Type{Kind: schema.Duration, Min: new(0.0)}, Default: schema.FormatDuration(defaultQuiet), Help: "How long nobody is told of another failed run of the same app."},
	}}
}

func telemetryType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "logs", Type: listOf(backendType()), Help: "Where logs go."},
		{Name: "metrics", Type: listOf(backendType()), Help: "Where metrics go."},
		{Name: "traces", Type: listOf(backendType()), Help: "Where traces go."},
	}}
}

func backendType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "kind", Required: true, Type: textType(), Help: "The kind of backend, such as otlp."},
		{Name: "endpoint", Type: &schema.Type{Kind: schema.URL}, Help: "Its address."},
		{Name: "headers", Type: &schema.Type{Kind: schema.Map, Elem: &schema.Type{Kind: schema.String, SecretToo: true}}, Help: "Headers of each call."},
	}}
}

func urlOrSecret() *schema.Type { return &schema.Type{Kind: schema.URL, SecretToo: true} }
