package interceptors

import (
	"context"
	"errors"
	"net/http"
	"time"

	"connectrpc.com/connect"

	policyv1 "github.com/orderprocessing/orderprocessing/gen/policy/v1"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/ratelimit/gate"
)

// Procedure is what Edge must know of a procedure before it is called.
type Procedure struct {
	Path       string // such as /orders.v1.OrderService/GetOrder
	StreamsIn  bool   // whether a caller sends more than one message
	StreamsOut bool   // whether a caller is sent more than one message

	policy *policyv1.MethodPolicy // nil for probes
}

// envelopeBytes is what gRPC and gRPC-Web put before a message.
const envelopeBytes = 5

// Edge stands between the network and the handlers. It ends requests that are too large or too slow,
// turns away who comes too often, or while too many are here, and gives what connect refuses by itself,
// before any interceptor runs, the reason, the log line and the metrics of every other call. Paths that
// are no procedure pass with the limits alone.
func (c *Chain) Edge(next http.Handler, procedures ...Procedure) http.Handler {
	known := make(map[string]*Procedure, len(procedures))
	for i := range procedures {
		known[procedures[i].Path] = &procedures[i]
		procedures[i].policy, _ = PolicyOf(procedures[i].Path)
	}
	other := &Procedure{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		procedure := known[r.URL.Path]
		reached := procedure == nil
		if reached {
			procedure = other
		}
		e := newExchange(c, w, r, procedure)
		e.reached = reached
		defer e.finish()
		if !procedure.StreamsIn && r.ContentLength > int64(c.options.MaxRequestBytes+envelopeBytes) {
			e.refuse(fault.New(fault.KindExhausted, fault.ReasonRequestTooLarge, "%s", errTooLarge))
			return
		}
		if c.limiter != nil && (procedure == other || procedure.policy != nil) { // probes are not counted
			if err := c.limitAddress(e); err != nil {
				e.refuse(err)
				return
			}
			leave, err := c.enter(e)
			switch {
			case errors.Is(err, gate.ErrFull):
				e.turnAway()
				return
			case err != nil:
				e.refuse(err)
				return
			}
			defer leave()
		}
		next.ServeHTTP(e, e.request)
	})
}

// Refuse answers a request outside of the handlers with an error, in the protocol of the caller.
func (c *Chain) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	_ = c.errorWriter.Write(w, r, c.refuse(r.Context(), r.URL.Path, err)) // the caller is gone, at worst
}

// unknownProcedure stands in logs and metrics for whatever a stranger called.
const unknownProcedure = "unknown"

// NotFound answers requests for what is no procedure: 404, which every protocol reads as unimplemented.
func (c *Chain) NotFound() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := answer{code: connect.CodeUnimplemented, reason: fault.ReasonProcedureUnknown, message: "there is no such procedure"}
		refused := a.refusal()
		c.write(w, r, http.StatusNotFound, refused)
		c.record(r.Context(), callOf(r, unknownProcedure), time.Now(), exchangeFrom(r.Context()), refused)
	})
}

// callOf describes a call that connect did not get to describe.
func callOf(r *http.Request, procedure string) *call {
	return &call{
		spec: connect.Spec{Procedure: procedure},
		peer: connect.Peer{Addr: r.RemoteAddr, Protocol: protocolOf(r)},
	}
}

// write sends a refusal; a status other than 0 stands in for the one that Connect would have.
func (c *Chain) write(w http.ResponseWriter, r *http.Request, status int, refused *refusal) {
	if status != 0 {
		w = &statusWriter{w, status}
	}
	_ = c.errorWriter.Write(w, r, refused) // the caller is gone, at worst
}

// statusWriter puts its status where an error would have its own; gRPC's 200 stays.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if status != http.StatusOK {
		status = w.status
	}
	w.ResponseWriter.WriteHeader(status)
}

type exchangeKey struct{}

func exchangeFrom(ctx context.Context) *exchange {
	e, _ := ctx.Value(exchangeKey{}).(*exchange)
	return e
}

// AnswerHeader gives the header of the answer to the call, whatever its protocol and its outcome. Connect has one of its own,
// which it makes and copies into this one.
func AnswerHeader(ctx context.Context) http.Header { return exchangeFrom(ctx).Header() }
