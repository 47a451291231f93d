package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"

	"connectrpc.com/connect"
)

const (
	consistency      = "Consistency"
	consistencyToken = "Consistency-Token"
)

// WithReadYourWrites lets reads come from replicas that have what this client has written, and maybe
// not yet what others have. Without it each read sees all that was written. A call that sets the header
// Consistency itself is left as it is.
func WithReadYourWrites() Option {
	return func(o *options) { o.written = &written{tokens: map[string]string{}} }
}

// written is what a client has written, as the tokens that answers carried: the last of each shard.
type written struct {
	mu     sync.Mutex
	tokens map[string]string
}

// A token is base64 of a seal, the shard, the system and the position in its log.
const (
	sealEnd   = 16
	shardEnd  = sealEnd + 2
	systemEnd = shardEnd + 8
	tokenEnd  = systemEnd + 8
)

// keep takes the token of an answer, unless a later one of its shard is there: answers overtake each
// other.
func (w *written) keep(header http.Header) {
	token := header.Get(consistencyToken)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != tokenEnd {
		return // of no server that we know
	}
	shard := string(raw[sealEnd:shardEnd])
	w.mu.Lock()
	defer w.mu.Unlock()
	if known, ok := w.tokens[shard]; ok {
		before, _ := base64.RawURLEncoding.DecodeString(known)
		sameLog := bytes.Equal(before[shardEnd:systemEnd], raw[shardEnd:systemEnd])
		if sameLog && bytes.Compare(before[systemEnd:], raw[systemEnd:]) >= 0 {
			return
		}
	}
	w.tokens[shard] = token
}

// demand asks for all that was written so far.
func (w *written) demand(header http.Header) {
	if header.Get(consistency) != "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	tokens := make([]string, 0, len(w.tokens))
	for _, token := range w.tokens {
		tokens = append(tokens, token)
	}
	if len(tokens) == 0 {
		header.Set(consistency, "minimal-latency")
		return
	}
	header.Set(consistency, "at-least-as-fresh="+strings.Join(tokens, ","))
}

// WrapUnary demands before reads, and keeps what writes answer.
func (w *written) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		if request.Spec().IdempotencyLevel == connect.IdempotencyNoSideEffects {
			w.demand(request.Header())
			return next(ctx, request)
		}
		response, err := next(ctx, request)
		if err == nil {
			w.keep(response.Header())
		}
		return response, err
	}
}

// WrapStreamingClient demands before streams.
func (w *written) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		if spec.IdempotencyLevel == connect.IdempotencyNoSideEffects {
			w.demand(conn.RequestHeader())
		}
		return conn
	}
}

// WrapStreamingHandler does nothing: there are no handlers on this side.
func (w *written) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
