package fault

// The reasons of requests that are refused before a handler sees them.
const (
	ReasonRequestTooSlow       Reason = "REQUEST_TOO_SLOW"
	ReasonProcedureUnknown     Reason = "PROCEDURE_UNKNOWN"
	ReasonMethodNotAllowed     Reason = "METHOD_NOT_ALLOWED"
	ReasonUnsupportedMediaType Reason = "UNSUPPORTED_MEDIA_TYPE"
	ReasonUnsupportedEncoding  Reason = "UNSUPPORTED_ENCODING"
	ReasonHTTP2Required        Reason = "HTTP2_REQUIRED"
	ReasonNotImplemented       Reason = "NOT_IMPLEMENTED"
	ReasonShuttingDown         Reason = "SHUTTING_DOWN"
	ReasonServiceUnknown       Reason = "SERVICE_UNKNOWN"
)
