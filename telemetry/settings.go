package telemetry

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// settings are what the variables OTEL_* say. An endpoint without a URL is not sent
// to.
type settings struct {
	traces, logs, metrics endpoint
	every                 time.Duration // between figures
}

func (s settings) any() bool { return s.traces.URL != "" || s.logs.URL != "" || s.metrics.URL != "" }

// An endpoint is where one kind of telemetry goes, and how.
type endpoint struct {
	URL     string
	Header  http.Header
	Timeout time.Duration // of one try to send
	Gzip    bool
	TLS     *tls.Config
}

// settingsOf reads the variables. The names and their defaults are those of the
// OpenTelemetry specification, but that nothing is sent where no variable says so.
func settingsOf(environ []string) (settings, error) {
	vars := map[string]string{}
	for _, kv := range environ {
		if name, value, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OTEL_") {
			vars[name] = strings.TrimSpace(value)
		}
	}
	var s settings
	if strings.EqualFold(vars["OTEL_SDK_DISABLED"], "true") {
		return s, nil
	}
	var err error
	if s.every, err = milliseconds(vars, 60*time.Second, "OTEL_METRIC_EXPORT_INTERVAL"); err != nil {
		return settings{}, err
	}
	for _, signal := range []struct {
		name string
		to   *endpoint
	}{{"TRACES", &s.traces}, {"LOGS", &s.logs}, {"METRICS", &s.metrics}} {
		if *signal.to, err = endpointOf(vars, signal.name); err != nil {
			return settings{}, err
		}
	}
	return s, nil
}

// endpointOf reads where one signal goes. A variable of the signal's own counts for
// more than the one of all.
func endpointOf(vars map[string]string, signal string) (endpoint, error) {
	named := func(what string) (string, string) {
		for _, name := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_" + what, "OTEL_EXPORTER_OTLP_" + what} {
			if v := vars[name]; v != "" {
				return name, v
			}
		}
		return "OTEL_EXPORTER_OTLP_" + what, ""
	}
	var e endpoint
	exporter := "OTEL_" + signal + "_EXPORTER"
	name, address := named("ENDPOINT")
	switch how := vars[exporter]; {
	case how == "none", how == "" && address == "":
		return e, nil
	case how != "" && how != "otlp":
		return e, wrong(exporter, fmt.Errorf("there is no exporter %q, only otlp and none", how))
	}
	if proto, how := named("PROTOCOL"); how != "" && how != "http/protobuf" {
		return e, slipway.Errorf(slipway.Invalid, "%s: this program speaks OTLP by http/protobuf, not by %s", proto, how).
			WithFix("unset it, and name the collector's port for HTTP, which is 4318 by default")
	}
	address = cmp.Or(address, "http://localhost:4318")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return e, wrong(name, fmt.Errorf("%q is no address such as https://collector.example.com:4318", address))
	}
	if name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
		u = u.JoinPath("v1", strings.ToLower(signal))
	}
	e.URL = u.String()
	name, list := named("HEADERS")
	if e.Header, err = headers(list); err != nil {
		return e, wrong(name, err)
	}
	name, how := named("COMPRESSION")
	if e.Gzip = how == "gzip"; !e.Gzip && how != "" && how != "none" {
		return e, wrong(name, fmt.Errorf("there is no compression %q, only gzip and none", how))
	}
	if e.Timeout, err = milliseconds(vars, 10*time.Second, "OTEL_EXPORTER_OTLP_"+signal+"_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"); err != nil {
		return e, err
	}
	e.TLS, err = trusted(named)
	return e, err
}

// trusted reads whom to trust, and as whom to come.
func trusted(named func(string) (string, string)) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if name, file := named("CERTIFICATE"); file != "" {
		pem, err := os.ReadFile(file) //nolint:gosec // whoever starts the server names it
		if err != nil {
			return nil, wrong(name, err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, wrong(name, fmt.Errorf("there is no certificate in %s", file))
		}
	}
	if name, file := named("CLIENT_CERTIFICATE"); file != "" {
		_, key := named("CLIENT_KEY")
		pair, err := tls.LoadX509KeyPair(file, key)
		if err != nil {
			return nil, wrong(name, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// headers reads name=value,name=value, with the values percent-encoded.
func headers(list string) (http.Header, error) {
	h := http.Header{}
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		name, value, ok := strings.Cut(item, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil {
			return nil, fmt.Errorf("entry %d is not name=value", len(h)+1) // it may hold a secret
		}
		h.Set(strings.TrimSpace(name), value)
	}
	return h, nil
}

// milliseconds reads the first of some variables that is there.
func milliseconds(vars map[string]string, otherwise time.Duration, names ...string) (time.Duration, error) {
	for _, name := range names {
		if vars[name] == "" {
			continue
		}
		n, err := strconv.Atoi(vars[name])
		if err != nil || n <= 0 {
			return 0, wrong(name, fmt.Errorf("%q is no number of milliseconds", vars[name]))
		}
		return time.Duration(n) * time.Millisecond, nil
	}
	return otherwise, nil
}

func wrong(name string, err error) error {
	return slipway.Errorf(slipway.Invalid, "%s: %w", name, err).WithFix("correct the variable, or unset it")
}
