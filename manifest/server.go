package manifest

import (
	"slices"
	"strconv"
	"time"

	"github.com/slipway-cd/slipway/schema"
)

// Deliver says what is done with an app without being asked for.
type Deliver struct {
	Push   []string // environments that a push to the default branch is shipped to, in order
	Tag    []string // environments that a tag is shipped to, in order
	Signed []string // environments that a release is promoted to once all who are asked have signed
	Newest bool     // a newer commit takes the place of one that is under way
}

func deliverType() *schema.Type {
	environments := func() *schema.Type {
		one := nameType("an environment's name")
		return &schema.Type{Kind: schema.Union, What: "an environment's name, or a list of them", Of: []*schema.Type{one, listOf(one)}}
	}
	return &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: []schema.Field{
		{Name: "push", Type: environments(), Help: "Where a push to the default branch goes, in order.", Example: "staging"},
		{Name: "tag", Type: environments(), Help: "Where a tag goes, in order.", Example: "prod"},
		{Name: "signed", Type: environments(), Help: "Where a release is promoted, without being asked for, once all who have to have signed for it; without a server too.", Example: "prod"},
		{Name: "newest", Type: &schema.Type{Kind: schema.Bool}, Default: "false", Help: "Whether a newer commit takes the place of one that is under way."},
	}}
}

func decodeDeliver(v *schema.Value) Deliver {
	return Deliver{Push: oneOrMore(v.Get("push")), Tag: oneOrMore(v.Get("tag")), Signed: oneOrMore(v.Get("signed")), Newest: v.Get("newest").Bool()}
}

// oneOrMore reads a text or a list of them.
func oneOrMore(v *schema.Value) []string {
	if text := v.Text(); text != "" {
		return []string{text}
	}
	return slices.Clone(v.Texts())
}

// Server is what a platform.yaml says of the server that works for it.
type Server struct {
	URL    string // its address, as people reach it; empty: none is named
	Forges []Forge
	Mail   *Mail // nil: there is none
	// Requests is how many requests a second each caller may send; 0: any number.
	Requests int
	Keep     Keep

	Database Database
}

// Keep says how long is kept what nobody has to have for ever. The ledger and evidence
// are never deleted.
type Keep struct {
	Jobs   time.Duration // after their end
	Logs   time.Duration // of jobs, after their end
	Closed time.Duration // after a pull request, a token or a delegation ended
	Caches time.Duration // after their last use
	Runs   int           // of a job on this machine, the newest
}

// DefaultKeep holds where the platform file says nothing else.
func DefaultKeep() Keep {
	const day = 24 * time.Hour
	return Keep{Jobs: 30 * day, Logs: 30 * day, Closed: 365 * day, Caches: 30 * day, Runs: 1000}
}

// KeepRuns is how many runs of a job on this machine are kept.
func (p *Platform) KeepRuns() int {
	if p == nil || p.Server.Keep.Runs == 0 {
		return DefaultKeep().Runs
	}
	return p.Server.Keep.Runs
}

func keepType() *schema.Type {
	long := func(name, help string, otherwise time.Duration) schema.Field {
		return schema.Field{Name: name, Type: &schema.Type{Kind: schema.Duration, Min: new(3600.0)}, Default: schema.FormatDuration(otherwise), Help: help}
	}
	d := DefaultKeep()
	logs := long("logs", "What jobs printed, after their end. Default: as long as the jobs, and never longer.", 0)
	logs.Default = ""
	return &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: []schema.Field{
		long("jobs", "Jobs after their end, the ids of webhooks and of requests, and refusals once they are in the ledger.", d.Jobs),
		logs,
		long("closed", "Pull requests after they were closed, tokens and delegations after they ended.", d.Closed),
		long("caches", "Builds, answers of checks and copies of repositories that nobody uses, on each machine.", d.Caches),
		{Name: "runs", Type: &schema.Type{Kind: schema.Int, Min: new(1.0), Max: new(1000000.0)}, Default: strconv.Itoa(d.Runs), Help: "How many runs of a job on the runtime local are kept, the newest, beside those that the ledger names."},
	}}
}

func decodeKeep(v *schema.Value) Keep {
	d := DefaultKeep()
	k := Keep{
		Jobs: decodeTimeout(v.Get("jobs"), d.Jobs), Closed: decodeTimeout(v.Get("closed"), d.Closed), Caches: decodeTimeout(v.Get("caches"), d.Caches), Runs: d.Runs,
	}
	k.Logs = min(decodeTimeout(v.Get("logs"), k.Jobs), k.Jobs)
	if runs := v.Get("runs"); runs.Given() {
		k.Runs = runs.Int()
	}
	return k
}

// Database is where a server keeps what it has beside files; without a URL it is a
// file of its own.
type Database struct {
	URL      string // of PostgreSQL
	Password schema.SecretRef
}

// Mail is the server that takes e-mail.
type Mail struct {
	Host     string
	Port     int
	User     string
	Password schema.SecretRef
	From     string
	Insecure bool // without TLS
}

// A Call is how people are reached when something is wrong. Addresses that are
// secrets are references.
type Call struct {
	Webhook, Slack string
	WebhookSecret  schema.SecretRef
	SlackSecret    schema.SecretRef
	Email          []string
	People         []string
	Quiet          time.Duration // after a failed run nobody is told of another
}

// defaultQuiet is how long nobody is told of another failed run.
const defaultQuiet = time.Hour

func decodeCalls(v *schema.Value) map[string]Call {
	all := map[string]Call{}
	for _, m := range v.Members() {
		c := Call{
			Webhook: m.Value.Get("webhook").Text(), Slack: m.Value.Get("slack").Text(),
			Email: m.Value.Get("email").Texts(), People: m.Value.Get("people").Texts(), Quiet: decodeTimeout(m.Value.Get("quiet"), defaultQuiet),
		}
		c.WebhookSecret, _ = m.Value.Get("webhook").Secret()
		c.SlackSecret, _ = m.Value.Get("slack").Secret()
		all[m.Key] = c
	}
	return all
}

// Reach is how a team is reached: its entry of calls, or its people's e-mail
// addresses.
func (p *Platform) Reach(team string) (Call, bool) {
	if p == nil {
		return Call{}, false
	}
	t, ok := p.Teams[team]
	if !ok {
		return Call{}, false
	}
	c, ok := p.Calls[t.Calls]
	if !ok {
		c = Call{People: t.People, Quiet: defaultQuiet}
	}
	for _, name := range c.People {
		if email := p.People[name].Email; email != "" {
			c.Email = append(c.Email, email)
		}
	}
	return c, c.Webhook != "" || c.Slack != "" || c.WebhookSecret.Name != "" || c.SlackSecret.Name != "" || len(c.Email) > 0
}

// Forge says where repositories lie, and how the server signs in there. Secrets are
// references.
type Forge struct {
	Name          string
	Kind          string   // github, gitlab, gitea or git
	URL           string   // of the forge; of git, the folder or URL that the repositories are below
	Repositories  []string // empty: all that it may see
	App           string   // the id of the app that the server is there
	Key           schema.SecretRef
	Token         schema.SecretRef
	WebhookSecret schema.SecretRef
	Every         time.Duration // how often it is swept
}

// defaultRequests is how many requests a second a caller may send where the platform
// file says nothing.
const defaultRequests = 50

// defaultSweep is how often a forge is asked what no webhook told.
const defaultSweep = 30 * time.Second

func serverType() *schema.Type {
	return &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: []schema.Field{
		{Name: "url", Type: &schema.Type{Kind: schema.URL}, Help: "The server's address, as people and forges reach it.", Example: "https://slipway.example.com"},
		{Name: "database", Type: databaseType(), Help: "The PostgreSQL database that servers share. Default: a file of the server's own."},
		{Name: "requests", Type: &schema.Type{Kind: schema.Int, Min: new(0.0), Max: new(100000.0)}, Default: "50", Help: "How many requests a second each person, token or machine may send to the API in the long run, and those of four seconds at once. With 0, any number."},
		{Name: "keep", Type: keepType(), Help: "How long is kept what nobody has to have for ever. The ledger and evidence are never deleted."},
		{Name: "mail", Type: mailType(), Help: "The server that takes e-mail."},
		{Name: "forges", Type: mapOf("a forge's name", forgeType()), Help: "Where repositories lie."},
	}}
}

func databaseType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "url", Required: true, Type: &schema.Type{Kind: schema.String, Pattern: databasePattern, PatternHelp: "postgres://USER@HOST/DATABASE, without a password"}, Help: "Its URL, without a password.", Example: "postgres://slipway@db.example.com/slipway"},
		{Name: "password", Type: secretType(), Help: "The password.", Example: "{secret: database/password}"},
	}}
}

// databasePattern has no room for a password.
const databasePattern = `^postgres(ql)?://([^:@/?]+@)?[^@]+$`

func mailType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "host", Required: true, Type: textType(), Help: "Its name.", Example: "smtp.example.com"},
		{Name: "port", Type: &schema.Type{Kind: schema.Int, Min: new(1.0), Max: new(65535.0)}, Default: "587", Help: "Its port."},
		{Name: "user", Type: textType(), Help: "Who signs in there. Default: nobody."},
		{Name: "password", Type: secretType(), Help: "The password.", Example: "{secret: smtp/password}"},
		{Name: "from", Required: true, Type: textType(), Help: "The sender's address.", Example: "slipway@example.com"},
		{Name: "insecure", Type: &schema.Type{Kind: schema.Bool}, Default: "false", Help: "Whether it is called without TLS."},
	}}
}

func forgeType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "kind", Required: true, Type: &schema.Type{Kind: schema.String, Enum: []string{"github", "gitlab", "gitea", "git"}}, Help: "What it is; `git` is a place with git repositories and nothing else.", Also: []string{"type"}},
		{Name: "url", Type: &schema.Type{Kind: schema.Union, Of: []*schema.Type{{Kind: schema.URL}, {Kind: schema.Folder}}}, Help: "Its address. Of git, the folder or the URL that the repositories are below. Default of github: github.com, of gitlab: gitlab.com.", Example: "https://git.example.com"},
		{Name: "repositories", Type: listOf(textType()), Help: "The repositories to look after. Default: all that it lets us see.", Example: "[acme/traffic]"},
		{Name: "app", Type: textType(), Help: "The id of the GitHub app that the server is."},
		{Name: "key", Type: secretType(), Help: "The private key of that app.", Example: "{secret: github/key}"},
		{Name: "token", Type: secretType(), Help: "The token with which the server signs in, where it is no app.", Example: "{secret: gitea/token}"},
		{Name: "webhook_secret", Type: secretType(), Help: "What webhooks are signed with.", Example: "{secret: github/webhook}"},
		{Name: "every", Type: &schema.Type{Kind: schema.Duration, Min: new(1.0)}, Default: schema.FormatDuration(defaultSweep), Help: "How often it is asked what no webhook told."},
	}}
}

// secretType is a secret, which can only be a reference.
func secretType() *schema.Type { return &schema.Type{Kind: schema.Secret} }

func decodeServer(v *schema.Value) Server {
	s := Server{URL: v.Get("url").Text(), Requests: defaultRequests, Keep: decodeKeep(v.Get("keep"))}
	if requests := v.Get("requests"); requests.Given() {
		s.Requests = requests.Int()
	}
	s.Database.URL = v.Get("database").Get("url").Text()
	s.Database.Password, _ = v.Get("database").Get("password").Secret()
	if m := v.Get("mail"); m.Given() {
		s.Mail = &Mail{Host: m.Get("host").Text(), Port: 587, User: m.Get("user").Text(), From: m.Get("from").Text(), Insecure: m.Get("insecure").Bool()}
		if port := m.Get("port"); port.Given() {
			s.Mail.Port = port.Int()
		}
		s.Mail.Password, _ = m.Get("password").Secret()
	}
	for _, m := range v.Get("forges").Members() {
		f := Forge{
			Name: m.Key, Kind: m.Value.Get("kind").Text(), URL: m.Value.Get("url").Text(), Repositories: m.Value.Get("repositories").Texts(),
			App: m.Value.Get("app").Text(), Every: decodeTimeout(m.Value.Get("every"), defaultSweep),
		}
		f.Key, _ = m.Value.Get("key").Secret()
		f.Token, _ = m.Value.Get("token").Secret()
		f.WebhookSecret, _ = m.Value.Get("webhook_secret").Secret()
		s.Forges = append(s.Forges, f)
	}
	return s
}
