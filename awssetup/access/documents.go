package access

// A Named is a document with its name and what it is.
type Named struct {
	Name     string // as commands know it: deployer, job, ...
	Title    string
	Document Document
}

// The names of documents.
const (
	NameDeployer      = "deployer"
	NameDeployerTrust = "deployer-trust"
	NamePlanner       = "planner"
	NamePlannerTrust  = "planner-trust"
	NameJob           = "job"
	NameJobTrust      = "job-trust"
	NameData          = "data"
	NameBucket        = "bucket"
)

// Names returns the names of all documents, in their order.
func Names() []string {
	return []string{NameDeployer, NameDeployerTrust, NamePlanner, NamePlannerTrust, NameJob, NameJobTrust, NameData, NameBucket}
}

// Wanted is all that documents are made of.
type Wanted struct {
	Place  Place
	Job    Job
	GitHub GitHub
	People []string // ARNs of those who deploy besides
}

// Nobody reports whether it is said of nobody that they deploy.
func (w Wanted) Nobody() bool { return w.GitHub.Repository == "" && len(w.People) == 0 }

// Plans reports whether plans get a role of their own: where workflows on GitHub
// make them, or where the environment names one.
func (w Wanted) Plans() bool { return w.GitHub.Repository != "" || w.Place.Plans }

// Documents returns everything that an app needs in an environment, in the order
// of Names. If it is said of nobody that they deploy, who may become the deployer
// or the planner has no statements.
func Documents(w Wanted) ([]Named, error) {
	if err := w.Job.Check(w.Place); err != nil {
		return nil, err
	}
	var deploys, plans Document
	if !w.Nobody() {
		var err error
		if deploys, err = DeployerTrust(w.Place, w.GitHub, w.People); err != nil {
			return nil, err
		}
		if plans, err = PlannerTrust(w.Place, w.GitHub, w.People); err != nil {
			return nil, err
		}
	}
	return []Named{
		{NameDeployer, "what the role " + w.Place.Deployer + " may do, which deploys", Deployer(w.Place, w.Job)},
		{NameDeployerTrust, "who may become " + w.Place.Deployer, deploys},
		{NamePlanner, "what the role " + w.Place.Planner + " may do, with which plans are made", Planner(w.Place, w.Job)},
		{NamePlannerTrust, "who may become " + w.Place.Planner, plans},
		{NameJob, "what the role " + RoleName(w.Job.Role) + " may do, with which the job runs", JobRole(w.Place, w.Job)},
		{NameJobTrust, "who may become " + RoleName(w.Job.Role), JobTrust(w.Place)},
		{NameData, "what " + RoleName(w.Job.Role) + " may read and write: a guess from the job's arguments, to be corrected", Data(w.Place, w.Job)},
		{NameBucket, "what is refused on the bucket " + w.Place.Storage.Bucket, Bucket(w.Place)},
	}, nil
}

// Bucket is the policy of the bucket itself: nobody reaches it in the clear.
func Bucket(p Place) Document {
	return Document{Version: version, Statement: Statements{{
		Sid: "TLSOnly", Effect: "Deny", Principal: Principal{"AWS": {"*"}}, Action: List{"s3:*"},
		Resource:  List{p.bucket(p.Storage.Bucket), p.bucket(p.Storage.Bucket, "*")},
		Condition: map[string]map[string]List{"Bool": {"aws:SecureTransport": {"false"}}},
		Why:       "refuses everything to everybody who comes without TLS",
	}}}
}
