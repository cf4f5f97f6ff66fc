// Package glue is AWS Glue as a runtime: jobs, their triggers and their runs, in
// one account and region. README.md beside this file says what lies where.
//
// Start with New. model.go is the Job model, field by field; plan.go compares
// three ways; start.go begins runs at most once.
package glue

import (
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver/glue/price"
	"github.com/slipway-cd/slipway/repository"
)

// Config says where the runtime is and what it gets from outside.
type Config struct {
	// AWS is the account and region, with credentials. Required.
	AWS aws.Config
	// Environment is the environment whose jobs these are. Required.
	Environment slipway.Environment
	// Notes is the environment's artifact repository, in which a note is left
	// before a run is started. Required for Start.
	Notes repository.Repository
	// Prices tell what runs cost. Nil: their cost is not told.
	Prices *price.Book
	// Clock is the time of day. Nil is not allowed.
	Clock func() time.Time
	// Pause waits, or returns why it did not. Nil is not allowed.
	Pause Pause
	// Log gets what an operator may want to know. Nil: nothing is logged.
	Log *slog.Logger
	// Progress gets a line now and then during long work. Nil: nobody is told.
	Progress func(line string)
}

// A Driver runs jobs on AWS Glue.
type Driver struct {
	cfg  Config
	glue *glue.Client
	once *glue.Client // never asks twice: for calls that have no way to tell a repetition
	logs *cloudwatchlogs.Client
	iam  *iam.Client
	s3   *s3.Client

	asked sync.Mutex
	id    string // of the account of the credentials, once it was asked for
}

// New returns the runtime of cfg. It calls nobody.
func New(cfg Config) *Driver {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	return &Driver{
		cfg:  cfg,
		glue: glue.NewFromConfig(cfg.AWS),
		once: glue.NewFromConfig(cfg.AWS, func(o *glue.Options) { o.Retryer = aws.NopRetryer{} }),
		logs: cloudwatchlogs.NewFromConfig(cfg.AWS),
		iam:  iam.NewFromConfig(cfg.AWS),
		s3: s3.NewFromConfig(cfg.AWS, func(o *s3.Options) {
			o.DisableLogOutputChecksumValidationSkipped = true
			o.UsePathStyle = cfg.AWS.BaseEndpoint != nil // other stores than AWS's own seldom have a name for each bucket
		}),
	}
}
