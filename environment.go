package slipway

// An Environment is a named place with a runtime.
type Environment struct {
	Name       string `json:"name"`
	Runtime    string `json:"runtime"`             // local, glue, ...
	Repository string `json:"repository"`          // its artifact repository's URL
	Follows    string `json:"follows,omitempty"`   // where a release comes from; empty: releases are made here
	Root       string `json:"root,omitempty"`      // folder of a local runtime, absolute
	Account    string `json:"account,omitempty"`   // cloud account
	Region     string `json:"region,omitempty"`    // cloud region
	Role       string `json:"role,omitempty"`      // the cloud role that deploys, by its ARN; empty: who is signed in
	PlanRole   string `json:"plan_role,omitempty"` // the cloud role that plans, by its ARN; empty: that which deploys
	Assets     string `json:"assets,omitempty"`    // bucket for what a runtime fetches, where the repository is none
}

// LocalEnvironment is the name of the environment on the developer's own
// machine; it is always there.
const LocalEnvironment = "local"

// IsLocal reports whether e is the environment on the developer's own machine,
// whose authority is the SQLite file in .slipway and not its repository.
func (e Environment) IsLocal() bool { return e.Name == LocalEnvironment }
