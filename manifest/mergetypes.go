package manifest

import "github.com/slipway-cd/slipway/schema"

// The events on which checks are asked.
const (
	OnPullRequest = "pull_request"
	OnPush        = "push"
	OnTag         = "tag"
)

// ruleDepth is how deep review rules may hold others: any of all of rules says
// everything that can be said.
const ruleDepth = 2

// whenFields are the keys of a check that say when the server asks it.
func whenFields() []schema.Field {
	events := &schema.Type{Kind: schema.String, Enum: []string{OnPullRequest, OnPush, OnTag}}
	return []schema.Field{
		{Name: "on", Type: listOf(events), Default: "[pull_request, push, tag]", Help: "When the server asks it. A check that is not asked of pull requests is none that a merge waits for.", Also: []string{"when", "events"}},
		{Name: "files", Type: globsType(), Help: "Pull requests that change none of these files, in the app's folder, do not need it. Default: all.", Example: "[lib/**, \"*.ipynb\"]", Also: []string{"paths"}},
	}
}

// ReviewType describes one review rule.
func ReviewType() *schema.Type { return reviewType(ruleDepth) }

func reviewType(depth int) *schema.Type {
	t := &schema.Type{
		Kind: schema.Object, What: "a rule: name, if, and one of requires, any, all",
		Fields: []schema.Field{
			{Name: "name", Required: true, Type: textType(), Help: "What people call the rule."},
			{Name: "if", Type: conditionType(), Help: "The changes that the rule is for: all of it has to be so. Default: all changes.", Also: []string{"when"}},
			{Name: "requires", Type: requiresType(), Help: "Whose approval is needed."},
		},
	}
	if depth == 0 {
		t.What = "a rule: name, if and requires"
		t.Fields[2].Required = true
		return t
	}
	below := &schema.Type{Kind: schema.List, Elem: reviewType(depth - 1), Min: new(1.0), What: "a list of rules"}
	t.Fields = append(t.Fields,
		schema.Field{Name: "any", Type: below, Help: "Rules of which one is enough.", Also: []string{"or"}},
		schema.Field{Name: "all", Type: below, Help: "Rules that all have to be met.", Also: []string{"and"}},
	)
	t.OneOf = [][]string{{"requires", "any", "all"}}
	return t
}

// requiresType describes whose approval a review rule needs.
func requiresType() *schema.Type {
	fields := []schema.Field{
		{Name: "count", Type: &schema.Type{Kind: schema.Int, Min: new(0.0), Max: new(20.0)}, Default: "1", Help: "How many people. With 0, that `if` holds is enough.", Also: []string{"approvals"}},
	}
	return &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: append(append(fields, whoFields()...),
		schema.Field{Name: "permission", Type: &schema.Type{Kind: schema.String, Enum: []string{"write", "admin"}}, Help: "Everybody with this permission at the forge counts. Where no team, person or role is named, write is meant."},
		schema.Field{Name: "contributors", Type: &schema.Type{Kind: schema.Bool}, Default: "false", Help: "Whether those count who wrote or committed a part of the change. Its author never does."},
		schema.Field{Name: "comments", Type: listOf(textType()), Help: "Comments that approve as a review does: a line of theirs has to match one of these, where * is any text. Default: none.", Example: "[\"/lgtm\"]"},
	)}
}

// whoFields are the keys that name people.
func whoFields() []schema.Field {
	team := &schema.Type{
		Kind: schema.String, Pattern: `^([a-z]([a-z0-9-]{0,61}[a-z0-9])?|[A-Za-z0-9._-]+/[A-Za-z0-9._-]+)$`,
		PatternHelp: "a team of platform.yaml, or one of the forge such as acme/data",
	}
	return []schema.Field{
		{Name: "teams", Type: listOf(team), Help: "Teams of platform.yaml, or of the forge, such as acme/data.", Also: []string{"team"}},
		{Name: "people", Type: listOf(nameType("a person's short name")), Help: "People of platform.yaml.", Also: []string{"users", "person"}},
		{Name: "roles", Type: listOf(nameType("a role's name")), Help: "Roles of platform.yaml.", Also: []string{"role"}},
	}
}

// conditionType describes which changes a rule is for.
func conditionType() *schema.Type {
	size := &schema.Type{Kind: schema.Int, Min: new(0.0)}
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "files", Type: globsType(), Help: "It changes one of these files.", Example: "[\"sql/**\"]", Also: []string{"changed_files", "paths"}},
		{Name: "only_files", Type: globsType(), Help: "It changes no other files than these.", Example: "[\"*.md\"]", Also: []string{"only_changed_files"}},
		{Name: "author", Type: &schema.Type{Kind: schema.Object, Fields: whoFields()}, Help: "Its author is one of these.", Also: []string{"authors", "author_in"}},
		{Name: "branches", Type: listOf(textType()), Help: "The branch that it goes to is one of these; * is any text.", Example: "[main, release/*]", Also: []string{"branch", "targets_branch"}},
		{Name: "labels", Type: listOf(textType()), Help: "It has one of these labels.", Also: []string{"label"}},
		{Name: "without_labels", Type: listOf(textType()), Help: "It has none of these labels."},
		{Name: "lines", Type: &schema.Type{Kind: schema.Object, Fields: []schema.Field{
			{Name: "least", Type: size, Help: "So many or more.", Also: []string{"min"}},
			{Name: "most", Type: size, Help: "So many or fewer.", Also: []string{"max"}},
		}}, Help: "How many lines it adds and removes.", Also: []string{"size", "modified_lines"}},
		{Name: "draft", Type: &schema.Type{Kind: schema.Bool}, Help: "Whether it is a draft."},
		{Name: "fork", Type: &schema.Type{Kind: schema.Bool}, Help: "Whether it comes from a fork."},
		{Name: "apps", Type: listOf(nameType("an app's name")), Help: "It touches one of these apps.", Also: []string{"app"}},
		{Name: "shapes", Type: listOf(nameType("a shape's name")), Help: "It touches an app of one of these shapes.", Also: []string{"shape"}},
	}}
}

func externalType() *schema.Type {
	return &schema.Type{Kind: schema.Object, What: "name, app, required, neutral, if", Fields: []schema.Field{
		{Name: "name", Required: true, Type: textType(), Help: "The check's name or the status's context at the forge; * is any text. Where several match, all of them have to pass.", Example: "codecov/*", Also: []string{"context"}},
		{Name: "app", Required: true, Type: textType(), Help: "Who issues it: the slug of the forge's app, or user:LOGIN for somebody who is none. A check of that name by anybody else never counts.", Example: "codecov", Also: []string{"by", "issuer"}},
		{Name: "required", Type: &schema.Type{Kind: schema.Bool}, Default: "true", Help: "Whether a merge waits for it; otherwise it only informs."},
		{Name: "neutral", Type: &schema.Type{Kind: schema.String, Enum: []string{"fail", "pass"}}, Default: "fail", Help: "What neutral and skipped count as.", Also: []string{"skipped"}},
		{Name: "if", Type: conditionType(), Help: "The changes that need it. Default: all changes."},
	}}
}

func labelsType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "needs", Type: listOf(textType()), Help: "Labels without which nothing is merged.", Also: []string{"required"}},
		{Name: "blocks", Type: listOf(textType()), Help: "Labels with which nothing is merged.", Example: "[do-not-merge]", Also: []string{"blocking"}},
	}}
}

// appMergeType describes merge in a slipway.yaml.
func appMergeType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "external", Type: mapOf("a name", externalType()), Help: "Checks of other systems.", Also: []string{"external_checks"}},
		{Name: "labels", Type: labelsType(), Help: "Labels that matter."},
	}}
}

// platformMergeType describes merge in a platform.yaml.
func platformMergeType() *schema.Type {
	required := &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: []schema.Field{
		{Name: "if", Type: conditionType(), Help: "The changes that need it. Default: all that touch an app."},
	}}
	t := appMergeType()
	t.Fields = append([]schema.Field{
		{Name: "checks", Type: mapOf("a check's name", required), Help: "Checks that each app has to have, by their names in slipway.yaml. No app can drop one or make it advisory."},
		{Name: "review", Type: listOf(ReviewType()), Help: "Review rules for every change, besides those of the apps. All have to be met.", Also: []string{"reviews"}},
		{Name: "rails", Type: listOf(nameType("an environment's name")), Help: "Environments whose guard rails a change has to keep: a rail that is closed for its plan keeps it from being merged."},
	}, t.Fields...)
	return t
}

func globsType() *schema.Type {
	return &schema.Type{Kind: schema.List, Elem: textType(), Min: new(1.0), What: "a list of patterns, in which * is any text up to a / and ** any folders; one without a / is for every folder"}
}
