package awsauth

import (
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Kept are the settings that a process has opened, so that one who is asked for
// several times is signed in and checked once. The zero Kept is empty.
type Kept struct {
	mu   sync.Mutex
	open map[string]aws.Config
}

// settings returns what was opened for the same options, or opens it.
func (k *Kept) settings(o Options, open func() (aws.Config, error)) (aws.Config, error) {
	if k == nil {
		return open()
	}
	key := strings.Join([]string{o.Environment, o.Region, o.Profile, o.Account, o.Role, o.Session}, "\x00")
	k.mu.Lock()
	defer k.mu.Unlock()
	if settings, ok := k.open[key]; ok {
		return settings.Copy(), nil
	}
	settings, err := open()
	if err != nil {
		return settings, err
	}
	if k.open == nil {
		k.open = map[string]aws.Config{}
	}
	k.open[key] = settings
	return settings.Copy(), nil
}
