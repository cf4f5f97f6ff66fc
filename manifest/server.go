package manifest

import (
	"slices"
	"time"

	"github.com/slipway-cd/slipway/schema"
)

// Deliver says what the server does with an app by itself.
type Deliver struct {
	Push   []string // environments that a push to the default branch is shipped to, in order
	Tag    []string // environments that a tag is shipped to, in order
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
		{Name: "newest", Type: &schema.Type{Kind: schema.Bool}, Default: "false", Help: "Whether a newer commit takes the place of one that is under way."},
	}}
}

func decodeDeliver(v *schema.Value) Deliver {
	return Deliver{Push: oneOrMore(v.Get("push")), Tag: oneOrMore(v.Get("tag")), Newest: v.Get("newest").Bool()}
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
}

// Forge says where repositories lie, and how the server signs in there. Secrets are
// references.
type Forge struct {
	Name          string
	Kind          string   // github, gitea or git
	URL           string   // of the forge; of git, the folder or URL that the repositories are below
	Repositories  []string // empty: all that it may see
	App           string   // the id of the app that the server is there
	Key           schema.SecretRef
	Token         schema.SecretRef
	WebhookSecret schema.SecretRef
	Every         time.Duration // how often it is swept
}

// defaultSweep is how often a forge is asked what no webhook told.
const defaultSweep = 30 * time.Second

func serverType() *schema.Type {
	return &schema.Type{Kind: schema.Object, MayBeEmpty: true, Fields: []schema.Field{
		{Name: "url", Type: &schema.Type{Kind: schema.URL}, Help: "The server's address, as people and forges reach it.", Example: "https://slipway.example.com"},
		{Name: "forges", Type: mapOf("a forge's name", forgeType()), Help: "Where repositories lie."},
	}}
}

func forgeType() *schema.Type {
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "kind", Required: true, Type: &schema.Type{Kind: schema.String, Enum: []string{"github", "gitea", "git"}}, Help: "What it is; `git` is a place with git repositories and nothing else.", Also: []string{"type"}},
		{Name: "url", Type: &schema.Type{Kind: schema.Union, Of: []*schema.Type{{Kind: schema.URL}, {Kind: schema.Folder}}}, Help: "Its address. Of git, the folder or the URL that the repositories are below. Default of github: github.com.", Example: "https://git.example.com"},
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
	s := Server{URL: v.Get("url").Text()}
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
