package access

// PlanEnvironment is the environment of GitHub in which plans for an environment are
// made, by the code of a pull request that nobody may have read yet.
func PlanEnvironment(environment string) string { return environment + "-plan" }

// Planner is what the role may do with which plans are made: the calls that a plan
// makes, all of which only read.
func Planner(p Place, j Job) Document {
	job, trigger := p.arn("glue", "job/"+j.Name), p.arn("glue", "trigger/"+TriggerName(j.Name))
	s := []Statement{
		allow("Artifacts", "reads artifacts, releases and the ledger; nothing is ever written",
			List{p.bucket(p.Storage.Bucket, p.Storage.Prefix, "*")}, "s3:GetObject"),
		p.list(),
	}
	if p.Storage.Key != "" {
		s = append(s, p.key("Decrypt", "reads what the bucket's key encrypts", "kms:Decrypt"))
	}
	s = append(s,
		allow("Jobs", "sees the job, and its runs, from which an estimate of the cost learns", List{job}, "glue:GetJob", "glue:GetJobRuns"),
		allow("Triggers", "sees the job's schedule", List{trigger}, "glue:GetTrigger"),
		everyTrigger(),
		allow("Tags", "finds the mark of what is Slipway's", List{job, trigger}, "glue:GetTags"),
		p.seeJobRole(j))
	if len(j.Connections) > 0 {
		s = append(s, j.seeConnections(p))
	}
	return Document{Version: version, Statement: s}
}

// PlannerTrust says who becomes the planner: the workflow, where it plans, and
// whoever deploys, who has more rights anyway.
func PlannerTrust(p Place, g GitHub, people []string) (Document, error) {
	plans := g
	plans.Environments, plans.Branch = []string{PlanEnvironment(p.Environment)}, ""
	return trust{
		place: p, role: p.Planner, does: "plans", workflows: []GitHub{plans, g}, people: people,
		why:       "lets the workflow become the planner where it plans, and where it deploys; a pull request, whose code runs where it plans, becomes nothing else",
		whyPeople: "lets these people and roles plan from where they are signed in",
	}.document()
}
