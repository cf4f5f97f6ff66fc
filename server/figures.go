package server

import "sync/atomic"

// figures count what the server did since it began.
type figures struct {
	Deliveries atomic.Int64 // webhooks
	Forged     atomic.Int64 // webhooks with a wrong signature
	Jobs       atomic.Int64 // ended
	Retries    atomic.Int64
	Tidied     atomic.Int64 // rows that were deleted, since they are not kept for ever
	TidiedAt   atomic.Int64 // when all of them last were, in seconds since 1970
	Refused    atomic.Int64 // 1: the platform file has changed and cannot be used
}
