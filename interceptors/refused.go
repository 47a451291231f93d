package interceptors

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// finish ends the exchange. Deferred, so that it also sees a panic that got past the interceptors.
func (e *exchange) finish() {
	if value := recover(); value != nil {
		e.panicked(value)
		return
	}
	if !e.reached {
		e.complete()
	}
	if e.writeWatch != nil && e.request.ProtoMajor == 1 {
		e.setWriteDeadline(e.chain.options.WriteTimeout) // for what net/http still flushes
	}
}

// panicked answers a panic outside of the interceptors, such as one of a codec.
func (e *exchange) panicked(value any) {
	refused := e.chain.refuse(e.request.Context(), e.request.URL.Path, caught(value))
	if e.wrote {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	e.send(0, refused)
}

// refuse answers in place of the handler.
func (e *exchange) refuse(err error) {
	e.send(0, e.chain.refuse(e.request.Context(), e.request.URL.Path, err))
}

// complete sends what was held back: a refusal of connect's with our reason, anything else as it is.
func (e *exchange) complete() {
	status, a, refused := e.understandHeld()
	if !refused {
		e.reached = true
		if e.status != 0 {
			e.WriteHeader(e.status)
		}
		if e.held.Len() > 0 {
			_, _ = e.Write(e.held.Bytes()) // the caller is gone, at worst
		}
		return
	}
	e.send(status, a.refusal())
}

// send writes, logs and counts a refusal.
func (e *exchange) send(status int, refused *refusal) {
	header := e.Header()
	for key := range header {
		// What connect prepared for its own answer.
		if key == "Content-Type" || strings.HasPrefix(key, http.TrailerPrefix) || strings.HasPrefix(key, "Grpc-Status") || key == "Grpc-Message" {
			delete(header, key)
		}
	}
	if e.request.Method == http.MethodGet {
		header.Set("Cache-Control", "no-store")
	}
	e.reached, e.wrote = true, true
	e.setWriteDeadline(e.chain.options.WriteTimeout)
	e.chain.write(e.ResponseWriter, e.request, status, refused)
	if e.procedure.Path == "" {
		return
	}
	e.chain.record(e.request.Context(), callOf(e.request, e.procedure.Path), e.started, e, refused)
}

// understandHeld reads what connect answered: the HTTP status to keep, if any, and the error.
func (e *exchange) understandHeld() (status int, a answer, refused bool) {
	switch e.status {
	case http.StatusMethodNotAllowed:
		return e.status, answer{code: connect.CodeUnimplemented, reason: fault.ReasonMethodNotAllowed, message: "the procedure cannot be called by HTTP " + e.request.Method}, true
	case http.StatusUnsupportedMediaType:
		return e.status, answer{code: connect.CodeInvalidArgument, reason: fault.ReasonUnsupportedMediaType, message: "the procedure does not take this content type"}, true
	case http.StatusHTTPVersionNotSupported:
		return e.status, answer{code: connect.CodeUnimplemented, reason: fault.ReasonHTTP2Required, message: "a stream in both directions needs HTTP/2"}, true
	}
	code, text, found := e.heldError()
	if !found {
		return 0, answer{}, false
	}
	if a, ok := recognize(code, text); ok {
		return 0, a, true
	}
	// Not by the caller, as far as we know, and not by a handler: it may say where, so it is not told.
	return 0, answer{code: connect.CodeInvalidArgument, reason: fault.ReasonMalformedRequest, message: "the request cannot be read"}, true
}

// heldError finds the code and text of connect's error in any of its protocols.
func (e *exchange) heldError() (code connect.Code, text string, found bool) {
	header := e.Header()
	for _, prefix := range []string{http.TrailerPrefix, ""} {
		if number, err := strconv.Atoi(header.Get(prefix + "Grpc-Status")); err == nil {
			text, err := url.PathUnescape(header.Get(prefix + "Grpc-Message"))
			return connect.Code(number), text, err == nil && number != 0 //nolint:gosec // a code of gRPC
		}
	}
	var wire struct {
		Code    connect.Code `json:"code"`
		Message string       `json:"message"`
	}
	if e.status >= http.StatusBadRequest {
		err := json.Unmarshal(e.held.Bytes(), &wire)
		return wire.Code, wire.Message, err == nil && wire.Code != 0
	}
	if held := e.held.Bytes(); len(held) > envelopeBytes && held[0]&0b10 != 0 { // the end of a Connect stream
		var end struct {
			Error *json.RawMessage `json:"error"`
		}
		if json.Unmarshal(held[envelopeBytes:], &end) == nil && end.Error != nil && json.Unmarshal(*end.Error, &wire) == nil {
			return wire.Code, wire.Message, true
		}
	}
	return 0, "", false
}

func protocolOf(r *http.Request) string {
	switch contentType := r.Header.Get("Content-Type"); {
	case strings.HasPrefix(contentType, "application/grpc-web"):
		return connect.ProtocolGRPCWeb
	case strings.HasPrefix(contentType, "application/grpc"):
		return connect.ProtocolGRPC
	}
	return connect.ProtocolConnect
}
