package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/azureauth"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/gcpauth"
	"github.com/slipway-cd/slipway/identity/awskms"
	"github.com/slipway-cd/slipway/identity/cloudkms"
)

// keepers open keys that a service keeps, by the scheme of their address.
func keepers(environ []string) map[string]func(context.Context, string) (evidence.Signer, error) {
	return map[string]func(context.Context, string) (evidence.Signer, error){
		"awskms": func(ctx context.Context, address string) (evidence.Signer, error) {
			at, err := awskms.Parse(address)
			if err != nil {
				return nil, err
			}
			settings, err := awsauth.Open(ctx, awsauth.Options{Environment: "the signing key", Region: at.Region, Environ: environ, Clock: time.Now})
			if err != nil {
				return nil, err
			}
			return awskms.Dial(ctx, settings, at.ID)
		},
		cloudkms.GoogleScheme: func(ctx context.Context, address string) (evidence.Signer, error) {
			return cloudkms.Google(ctx, address, cloudkms.Config{Token: gcpauth.New(gcpauth.Keys).Token})
		},
		cloudkms.AzureScheme: func(ctx context.Context, address string) (evidence.Signer, error) {
			tokens := azureauth.New(azureauth.Config{Scope: azureauth.Keys, Clock: time.Now})
			return cloudkms.Azure(ctx, address, cloudkms.Config{Token: tokens.Token})
		},
		cloudkms.VaultScheme: func(ctx context.Context, address string) (evidence.Signer, error) {
			vars := variables(environ)
			at := cloudkms.Place{Server: vars["VAULT_ADDR"], Namespace: vars["VAULT_NAMESPACE"], Mount: vars["TRANSIT_SECRET_ENGINE_PATH"]}
			return cloudkms.Vault(ctx, address, at, cloudkms.Config{Token: func(context.Context) (string, error) { return vaultToken(vars) }})
		},
	}
}

// vaultToken is where Vault's own command has it.
func vaultToken(vars map[string]string) (string, error) {
	if token := vars["VAULT_TOKEN"]; token != "" {
		return token, nil
	}
	data, err := os.ReadFile(filepath.Join(vars["HOME"], ".vault-token"))
	if err != nil {
		return "", slipway.Errorf(slipway.Unavailable, "there is no token for Vault").WithFix("sign in (`vault login`), or set VAULT_TOKEN")
	}
	return strings.TrimSpace(string(data)), nil
}

func variables(environ []string) map[string]string {
	vars := map[string]string{}
	for _, kv := range environ {
		name, v, _ := strings.Cut(kv, "=")
		vars[name] = v
	}
	return vars
}
