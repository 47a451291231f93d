package server

import (
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/orderprocessing/orderprocessing/interceptors"
	"github.com/orderprocessing/orderprocessing/server/config"
)

// Service is one service of the API port: what a generated New…Handler gives, and its contract.
type Service struct {
	Path       string // such as /orders.v1.OrderService/
	Handler    http.Handler
	Descriptor protoreflect.ServiceDescriptor
}

// API is the handler of the API port. It is safe for concurrent use.
type API struct {
	OnDrain  func() // called when the process begins to drain, to end streams that have no end; may be nil
	mux      *http.ServeMux
	handler  http.Handler
	draining atomic.Bool
	over     chan struct{} // closed when no calls come any more
}

// NewAPI mounts the services with gRPC health and reflection, behind the limits of the chain. Handlers
// must have been built with the chain's HandlerOptions. It refuses a method without a policy.
func NewAPI(cfg config.Server, chain *interceptors.Chain, health *Health, services ...Service) (*API, error) {
	mux := http.NewServeMux()
	var names []string
	procedures := probeProcedures()
	for _, service := range services {
		if err := interceptors.CheckPolicies(service.Descriptor); err != nil {
			return nil, fmt.Errorf("contract of %s: %w", service.Descriptor.FullName(), err)
		}
		names = append(names, string(service.Descriptor.FullName()))
		for _, procedure := range proceduresOf(service) {
			procedures = append(procedures, procedure)
			// Not the whole path: a generated handler answers an unknown method with plain text.
			mux.Handle(procedure.Path, service.Handler)
		}
	}
	options := chain.HandlerOptions()
	mux.Handle(grpchealth.NewHandler(health.checker(names), options...))
	mux.Handle(newHealthWatch(health, names, options...))
	reflector := grpcreflect.NewStaticReflector(append(names, grpchealth.HealthV1ServiceName)...)
	mux.Handle(grpcreflect.NewHandlerV1(reflector, options...))
	mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector, options...))
	if cfg.SecurityContact != "" {
		mux.Handle(securityTextPath, securityText(cfg.SecurityContact, time.Now))
	}
	mux.Handle("/", chain.NotFound())

	api := &API{mux: mux, over: make(chan struct{})}
	api.handler = api.around(withCORS(cfg.CORS, chain.Edge(onWarm(api.over, mux), procedures...)))
	return api, nil
}

// Handle mounts what is no procedure, such as a webhook, behind the limits of every request. Its
// handler answers for itself who may call.
func (a *API) Handle(path string, handler http.Handler) { a.mux.Handle(path, handler) }

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// headers are what every answer carries, few as they are: each costs a call a hundredth of its work.
var headers = http.Header{
	"X-Content-Type-Options":  {"nosniff"},
	"Referrer-Policy":         {"no-referrer"},
	"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
}

// around adds what every answer carries. While the process drains it also asks callers to go
// elsewhere: HTTP/2 connections that begin after Shutdown did are not told otherwise.
func (a *API) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		maps.Copy(header, headers)
		if r.TLS != nil {
			header["Strict-Transport-Security"] = []string{"max-age=31536000"}
		}
		// A request that also had a length, which net/http does not tell, may be two to a proxy in
		// front: what follows on its connection must not be read (RFC 9112, 6.1).
		chunked := r.ProtoMajor == 1 && len(r.TransferEncoding) > 0
		if chunked || a.draining.Load() {
			header["Connection"] = []string{"close"}
		}
		next.ServeHTTP(w, r)
	})
}

func proceduresOf(service Service) []interceptors.Procedure {
	var procedures []interceptors.Procedure
	for i := range service.Descriptor.Methods().Len() {
		method := service.Descriptor.Methods().Get(i)
		procedures = append(procedures, interceptors.Procedure{
			Path:       service.Path + string(method.Name()),
			StreamsIn:  method.IsStreamingClient(),
			StreamsOut: method.IsStreamingServer(),
		})
	}
	return procedures
}

// probeProcedures are those of health and reflection, whose descriptors their modules keep private.
func probeProcedures() []interceptors.Procedure {
	return []interceptors.Procedure{
		{Path: "/" + grpchealth.HealthV1ServiceName + "/Check"},
		{Path: "/" + grpchealth.HealthV1ServiceName + "/Watch", StreamsOut: true},
		{Path: "/" + grpcreflect.ReflectV1ServiceName + "/ServerReflectionInfo", StreamsIn: true, StreamsOut: true},
		{Path: "/" + grpcreflect.ReflectV1AlphaServiceName + "/ServerReflectionInfo", StreamsIn: true, StreamsOut: true},
	}
}
