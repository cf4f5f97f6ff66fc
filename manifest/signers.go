package manifest

import (
	"fmt"

	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/schema"
)

// signerType describes a machine that attests.
func signerType() *schema.Type {
	var acts []string
	for _, a := range evidence.Acts() {
		acts = append(acts, string(a))
	}
	return &schema.Type{Kind: schema.Object, Fields: []schema.Field{
		{Name: "keys", Required: true, Type: listOf(datedKeyType()), Help: "The public keys it signs with, of the type ssh-ed25519 or ecdsa-sha2-nistp256, each with its first and last day if it has some.", Example: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI... ci"},
		{Name: "may", Type: listOf(&schema.Type{Kind: schema.String, Enum: acts}), Help: "What it may attest; everything if nothing is named."},
		{Name: "environments", Type: listOf(nameType("an environment's name")), Help: "Where it may do so; everywhere if none are named."},
		{Name: "speaks_for_people", Type: &schema.Type{Kind: schema.Bool}, Default: "false", Help: "Whether it is a server that signs what people say who signed in to it, or who wrote a comment on a pull request."},
	}}
}

func datedKeyType() *schema.Type {
	date := &schema.Type{Kind: schema.Date}
	return &schema.Type{Kind: schema.Union, What: "a public key, or {key: ssh-ed25519 ..., from: 2026-11-01, until: 2027-10-31}", Of: []*schema.Type{
		textType(),
		{Kind: schema.Object, Fields: []schema.Field{
			{Name: "key", Required: true, Type: textType(), Help: "The public key."},
			{Name: "from", Type: date, Help: "The first day on which it signs."},
			{Name: "until", Type: date, Help: "The last day on which it signs. What it signed until then stays signed."},
		}},
	}}
}

// decodeSigners reads the machines that attest. A key that cannot be read is left
// out here, and complained about elsewhere.
func decodeSigners(v *schema.Value) map[string]evidence.Machine {
	if len(v.Members()) == 0 {
		return nil
	}
	all := map[string]evidence.Machine{}
	for _, member := range v.Members() {
		m := evidence.Machine{Environments: member.Value.Get("environments").Texts(), Speaks: member.Value.Get("speaks_for_people").Bool()}
		for _, act := range member.Value.Get("may").Texts() {
			m.May = append(m.May, evidence.Act(act))
		}
		for _, item := range member.Value.Get("keys").Items() {
			text, k := item, evidence.DatedKey{}
			if item.Get("key") != nil {
				text, k.From = item.Get("key"), decodeDate(item.Get("from"))
				if last := decodeDate(item.Get("until")); !last.IsZero() {
					k.Until = last.AddDate(0, 0, 1)
				}
			}
			var err error
			if k.Key, err = evidence.ParseMachineKey(text.Text()); err == nil {
				m.Keys = append(m.Keys, k)
			}
		}
		all[member.Key] = m
	}
	return all
}

// signers complains about keys that cannot sign, about one of two machines, and
// about environments that are not there.
func (c *platformCheck) signers() {
	owners := map[string]string{}
	for _, m := range c.p.tree.Get("signers").Members() {
		for i, item := range m.Value.Get("keys").Items() {
			path := fmt.Sprintf("signers.%s.keys[%d]", m.Key, i)
			text := item
			if item.Get("key") != nil {
				text = item.Get("key")
				from, until := decodeDate(item.Get("from")), decodeDate(item.Get("until"))
				if !from.IsZero() && !until.IsZero() && until.Before(from) {
					c.complain(item.Pos, path, path+" ends before it begins")
				}
			}
			k, err := evidence.ParseMachineKey(text.Text())
			if err != nil {
				c.complain(text.Pos, path, path+" cannot sign: "+err.Error()).Expected = `a line of a .pub file that "ssh-keygen -t ed25519" wrote`
				continue
			}
			if owner, ok := owners[k.ID()]; ok {
				c.complain(text.Pos, path, fmt.Sprintf("%s is a key of %s already", path, owner)).Expected = "a key of its own for each signer"
				continue
			}
			owners[k.ID()] = m.Key
		}
		c.names(m.Value.Get("environments"), "signers."+m.Key+".environments", "environment", c.p.EnvironmentNames())
	}
}
