package gluetest

import (
	"fmt"
	"net/http"
)

// Errors are the codes that each operation may answer by the model of the API.
// Beside them any operation may answer one of CommonErrors.
//
//nolint:gochecknoglobals // an immutable table
var Errors = map[string][]string{
	"CreateJob":    {"InvalidInputException", "IdempotentParameterMismatchException", "AlreadyExistsException", "InternalServiceException", "OperationTimeoutException", "ResourceNumberLimitExceededException", "ConcurrentModificationException"},
	"UpdateJob":    {"InvalidInputException", "EntityNotFoundException", "InternalServiceException", "OperationTimeoutException", "ConcurrentModificationException"},
	"GetJob":       {"InvalidInputException", "EntityNotFoundException", "InternalServiceException", "OperationTimeoutException"},
	"GetJobs":      {"InvalidInputException", "EntityNotFoundException", "InternalServiceException", "OperationTimeoutException"},
	"ListJobs":     {"InvalidInputException", "EntityNotFoundException", "InternalServiceException", "OperationTimeoutException"},
	"BatchGetJobs": {"InternalServiceException", "OperationTimeoutException", "InvalidInputException"},
	"DeleteJob":    {"InvalidInputException", "InternalServiceException", "OperationTimeoutException"},

	"StartJobRun":     {"InvalidInputException", "EntityNotFoundException", "InternalServiceException", "OperationTimeoutException", "ResourceNumberLimitExceededException", "ConcurrentRunsExceededException"},
	"GetJobRun":       {"InvalidInputException", "EntityNotFoundException", "InternalServiceException", "OperationTimeoutException"},
	"GetJobRuns":      {"InvalidInputException", "EntityNotFoundException", "InternalServiceException", "OperationTimeoutException"},
	"BatchStopJobRun": {"InvalidInputException", "InternalServiceException", "OperationTimeoutException"},

	"CreateTrigger": {"AlreadyExistsException", "EntityNotFoundException", "InvalidInputException", "IdempotentParameterMismatchException", "InternalServiceException", "OperationTimeoutException", "ResourceNumberLimitExceededException", "ConcurrentModificationException"},
	"UpdateTrigger": {"InvalidInputException", "InternalServiceException", "EntityNotFoundException", "OperationTimeoutException", "ConcurrentModificationException"},
	"GetTrigger":    {"EntityNotFoundException", "InvalidInputException", "InternalServiceException", "OperationTimeoutException"},
	"GetTriggers":   {"EntityNotFoundException", "InvalidInputException", "InternalServiceException", "OperationTimeoutException"},
	"ListTriggers":  {"EntityNotFoundException", "InvalidInputException", "InternalServiceException", "OperationTimeoutException"},
	"StartTrigger":  {"InvalidInputException", "InternalServiceException", "EntityNotFoundException", "OperationTimeoutException", "ResourceNumberLimitExceededException", "ConcurrentRunsExceededException"},
	"StopTrigger":   {"InvalidInputException", "InternalServiceException", "EntityNotFoundException", "OperationTimeoutException", "ConcurrentModificationException"},
	"DeleteTrigger": {"InvalidInputException", "InternalServiceException", "OperationTimeoutException", "ConcurrentModificationException"},

	"TagResource":   {"InvalidInputException", "InternalServiceException", "OperationTimeoutException", "EntityNotFoundException"},
	"UntagResource": {"InvalidInputException", "InternalServiceException", "OperationTimeoutException", "EntityNotFoundException"},
	"GetTags":       {"InvalidInputException", "InternalServiceException", "OperationTimeoutException", "EntityNotFoundException"},

	"CreateConnection": {"AlreadyExistsException", "InvalidInputException", "OperationTimeoutException", "ResourceNumberLimitExceededException", "GlueEncryptionException"},
	"GetConnection":    {"EntityNotFoundException", "OperationTimeoutException", "InvalidInputException", "GlueEncryptionException"},
	"GetConnections":   {"EntityNotFoundException", "OperationTimeoutException", "InvalidInputException", "GlueEncryptionException"},
	"DeleteConnection": {"EntityNotFoundException", "OperationTimeoutException"},

	"DescribeLogGroups":  {"InvalidParameterException", "ServiceUnavailableException"},
	"DescribeLogStreams": {"InvalidParameterException", "ResourceNotFoundException", "ServiceUnavailableException"},
	"GetLogEvents":       {"InvalidParameterException", "ResourceNotFoundException", "ServiceUnavailableException"},
	"FilterLogEvents":    {"InvalidParameterException", "ResourceNotFoundException", "ServiceUnavailableException"},
}

// accessDenied is IAM's refusal to let the caller act.
const (
	accessDenied = "AccessDeniedException"
	caller       = "arn:aws:sts::" + Account + ":assumed-role/deployer/test"
)

// commonErrors are the errors of every AWS service.
//
//nolint:gochecknoglobals // an immutable table
var commonErrors = []string{
	accessDenied, "ExpiredTokenException", "InternalFailure", "InvalidSignatureException",
	"ServiceUnavailable", "ThrottlingException", "UnrecognizedClientException",
}

// CommonErrors returns the codes that any operation may answer.
func CommonErrors() []string { return append([]string(nil), commonErrors...) }

// messages are what the errors say where the test says nothing else.
//
//nolint:gochecknoglobals // an immutable table
var messages = map[string]string{
	accessDenied:                           "Access denied",
	"AlreadyExistsException":               "Job already submitted",
	"ConcurrentModificationException":      "Concurrent modification of the resource",
	"ConcurrentRunsExceededException":      "Concurrent runs exceeded",
	"EntityNotFoundException":              "Entity Not Found",
	"ExpiredTokenException":                "The security token included in the request is expired",
	"GlueEncryptionException":              "An encryption operation failed",
	"IdempotentParameterMismatchException": "Job already submitted with different configurations",
	"InternalFailure":                      "The request processing has failed because of an unknown error, exception or failure.",
	"InternalServiceException":             "An internal service error occurred.",
	"InvalidInputException":                "The input provided was not valid.",
	"InvalidParameterException":            "A parameter is specified incorrectly.",
	"InvalidSignatureException":            "The request signature we calculated does not match the signature you provided.",
	"OperationTimeoutException":            "The operation timed out.",
	"ResourceNotFoundException":            "The specified resource does not exist.",
	"ResourceNumberLimitExceededException": "Resource number limit exceeded",
	"ServiceUnavailable":                   "The request has failed due to a temporary failure of the server.",
	"ServiceUnavailableException":          "The service cannot complete the request.",
	"ThrottlingException":                  "Rate exceeded",
	"UnrecognizedClientException":          "The security token included in the request is invalid.",
}

// statusOf is the HTTP status of an error: AWS JSON has 400 for every error of the
// client, and says the rest with the code.
func statusOf(code string) int {
	switch code {
	case "InternalServiceException", "InternalFailure":
		return http.StatusInternalServerError
	case "ServiceUnavailable", "ServiceUnavailableException":
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadRequest
	}
}

// An apiError is what an operation answers when it refuses.
type apiError struct{ code, message string }

func (e apiError) Error() string { return e.code + ": " + e.message }

func refuse(code, format string, args ...any) error {
	return apiError{code: code, message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refuse("InvalidInputException", format, args...)
}

func missing(format string, args ...any) error {
	return refuse("EntityNotFoundException", format, args...)
}
