package server

import (
	"net/http"
	"time"

	connectcors "connectrpc.com/cors"
	"github.com/rs/cors"

	"github.com/orderprocessing/orderprocessing/server/config"
)

// preflightAge is how long a browser may remember what it was allowed; no browser takes more.
const preflightAge = 2 * time.Hour

// withCORS lets web pages of the allowed origins call. Callers send tokens, not cookies, so that
// credentials are not allowed, and another page cannot use a visitor's session.
func withCORS(cfg config.CORS, next http.Handler) http.Handler {
	if len(cfg.AllowedOrigins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins: cfg.AllowedOrigins,
		AllowedMethods: connectcors.AllowedMethods(),
		AllowedHeaders: append(connectcors.AllowedHeaders(), "Authorization", "X-Api-Key", "Idempotency-Key", "If-None-Match", "Consistency", "Traceparent", "Tracestate"),
		ExposedHeaders: append(connectcors.ExposedHeaders(), "Etag", "Consistency-Token", "Retry-After", "Grpc-Retry-Pushback-Ms",
			"RateLimit", "RateLimit-Policy"),
		MaxAge: int(preflightAge.Seconds()),
	}).Handler(next)
}
