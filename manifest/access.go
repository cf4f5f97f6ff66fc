package manifest

import (
	"fmt"
	"strings"
	"time"

	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/schema"
)

// Access returns who may do what by the file. A platform without a file has nobody,
// so that whoever has a token may do everything.
func (p *Platform) Access() access.Rules {
	r := access.Rules{
		People: map[string]access.Person{}, Roles: map[string][]string{}, Teams: map[string]access.Team{},
		Deployers: map[string][]string{}, Limits: access.DefaultLimits(),
	}
	for _, e := range p.all() {
		r.Deployers[e.Name] = e.Deployers
	}
	if p == nil {
		return r
	}
	for name, person := range p.People {
		r.People[name] = access.Person{Email: person.Email, Login: person.Login}
	}
	for name, role := range p.Roles {
		r.Roles[name] = role.People
	}
	for name, team := range p.Teams {
		r.Teams[name] = access.Team{People: team.People, Groups: team.Groups}
	}
	v := p.tree.Get("access")
	r.Owners, r.SignIn, r.Machines = v.Get("owners").Texts(), decodeSignIn(v.Get("sign_in")), decodeMachines(v.Get("machines"))
	for d, at := range map[*time.Duration]*schema.Value{
		&r.Limits.Token: v.Get("tokens", "longest"), &r.Limits.SignedIn: v.Get("tokens", "login"),
		&r.Limits.Idle: v.Get("sessions", "idle"), &r.Limits.Session: v.Get("sessions", "longest"),
	} {
		if at.Given() {
			*d = at.Duration()
		}
	}
	return r
}

func decodeSignIn(v *schema.Value) *access.SignIn {
	if !v.Given() {
		return nil
	}
	s := &access.SignIn{
		Issuer: v.Get("issuer").Text(), Client: v.Get("client").Text(), Claim: v.Get("claim").Text(),
		Groups: v.Get("groups").Text(), Scopes: v.Get("scopes").Texts(),
	}
	if ref, ok := v.Get("secret").Secret(); ok {
		s.SecretRef = ref.Name
	}
	if s.Claim == "" {
		s.Claim = "email"
	}
	if len(s.Scopes) == 0 {
		s.Scopes = []string{"profile", "email"}
	}
	return s
}

func decodeMachines(v *schema.Value) map[string]access.Machine {
	all := map[string]access.Machine{}
	for _, m := range v.Members() {
		scopes, err := access.ParseScopes(m.Value.Get("may").Texts())
		if err != nil {
			scopes = nil // the check complains
		}
		all[m.Key] = access.Machine{
			Name: m.Key, Issuer: m.Value.Get("issuer").Text(), Audience: m.Value.Get("audience").Text(),
			Claims: m.Value.Get("claims").TextMap(), As: m.Value.Get("as").Text(), Scopes: scopes,
		}
	}
	return all
}

func accessType() *schema.Type {
	whoever := nameType("a person's, role's or team's name")
	return &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: []schema.Field{
		{Name: "owners", Type: listOf(whoever), Help: "The people, roles and teams who administer: tokens and delegations of others, and guard rails that name nobody.", Also: []string{"admins"}},
		{Name: "sign_in", Type: signInType(), Help: "The identity provider (OpenID Connect) by which people sign in. Without it there are only tokens.", Also: []string{"oidc", "sso"}},
		{Name: "machines", Type: mapOf("a machine's name", machineType()), Help: "Workflows and programs outside that come with a token of their own provider, such as GitHub Actions."},
		{Name: "tokens", Type: &schema.Type{Kind: schema.Object, Fields: []schema.Field{
			{Name: "longest", Type: lifeType(), Default: "90d", Help: "The longest that a token is good for."},
			{Name: "login", Type: lifeType(), Default: "12h", Help: "How long the token is good for that `slipway login` gets."},
		}}, Help: "Tokens."},
		{Name: "sessions", Type: &schema.Type{Kind: schema.Object, Fields: []schema.Field{
			{Name: "idle", Type: lifeType(), Default: "12h", Help: "When a session ends that nobody uses."},
			{Name: "longest", Type: lifeType(), Default: "7d", Help: "When any session ends."},
		}}, Help: "Sessions of those who signed in with a browser."},
	}}
}

func lifeType() *schema.Type {
	return &schema.Type{Kind: schema.Duration, Min: new(60.0), Max: new(366 * 24 * 3600.0)}
}

func issuerType() *schema.Type {
	return &schema.Type{
		Kind: schema.String, Pattern: `^(https://|http://(localhost|127\.0\.0\.1)(:|/|$))[^\s]*$`,
		PatternHelp: "an https:// URL, or an http:// one of this machine",
	}
}

func signInType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "issuer", Required: true, Type: issuerType(), Help: "The provider's address, exactly as its tokens say it.", Example: "https://login.example.com"},
		{Name: "client", Required: true, Type: textType(), Help: "The client's id there.", Also: []string{"client_id"}},
		{Name: "secret", Type: &schema.Type{Kind: schema.Secret}, Help: "The client's secret. A public client has none.", Also: []string{"client_secret"}},
		{Name: "claim", Type: textType(), Default: "email", Help: "The claim that finds a person: `email`, which has to be verified, by `people.NAME.email`; any other by `login`, or by the short name of who has none.", Example: "preferred_username"},
		{Name: "groups", Type: textType(), Help: "The claim with a person's groups, which `teams.NAME.groups` name.", Example: "groups"},
		{Name: "scopes", Type: listOf(textType()), Default: "[profile, email]", Help: "The scopes that are asked for beside `openid`."},
	}}
}

func machineType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "issuer", Required: true, Type: issuerType(), Help: "Who signs its tokens.", Example: "https://token.actions.githubusercontent.com"},
		{Name: "audience", Required: true, Type: textType(), Help: "For whom the tokens have to be, usually this server's address."},
		{Name: "claims", Required: true, Type: &schema.Type{Kind: schema.Map, Key: textType(), Elem: textType(), Min: new(1.0)}, Help: "What the token has to claim, all of it; `*` stands for any text.", Example: "{repository: acme/traffic, ref: refs/heads/main}"},
		{Name: "as", Required: true, Type: nameType("a person's, role's or team's name"), Help: "For whom it acts: it never may more than that one."},
		{Name: "may", Required: true, Type: &schema.Type{Kind: schema.List, Elem: textType(), Min: new(1.0)}, Help: "What it may of that.", Example: "[build, \"deploy:traffic@staging\"]"},
	}}
}

// access complains about names that stand for nothing, and about machines that
// anybody could be.
func (c *platformCheck) access() {
	v := c.p.tree.Get("access")
	c.names(v.Get("owners"), "access.owners", "person, role or team", c.whoever())
	for _, m := range v.Get("machines").Members() {
		path := "access.machines." + m.Key
		if as := m.Value.Get("as"); as.Given() {
			c.name(as, path+".as", "person, role or team", c.whoever())
		}
		for i, item := range m.Value.Get("may").Items() {
			if _, err := access.ParseScope(item.Text()); err != nil {
				at := fmt.Sprintf("%s.may[%d]", path, i)
				c.complain(item.Pos, at, at+": "+err.Error()).Expected = "such as deploy, deploy:traffic, deploy@staging or deploy:traffic@staging"
			}
		}
		for _, claim := range m.Value.Get("claims").Members() {
			if strings.Trim(claim.Value.Text(), "*/: ") == "" {
				at := schema.Join(path+".claims", claim.Key)
				c.complain(claim.Value.Pos, at, at+" lets any text through").Expected = "a value that only this machine has, such as acme/traffic"
			}
		}
	}
	s := v.Get("sessions")
	if idle, longest := s.Get("idle"), s.Get("longest"); idle.Given() && longest.Given() && idle.Duration() > longest.Duration() {
		c.complain(idle.Pos, "access.sessions.idle", "access.sessions.idle is longer than access.sessions.longest")
	}
}
