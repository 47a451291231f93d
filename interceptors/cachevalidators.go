package interceptors

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
)

// etagBytes is how much of the hash an ETag keeps: no two answers share 128 bits by chance.
const etagBytes = 16

const (
	cacheControl = "private, no-cache"
	// An answer depends on who asks, how fresh they want it, and how it is to be written.
	vary = "Accept-Encoding, Authorization, X-Api-Key, Consistency"
)

// cacheValidators gives the answers to HTTP GET a strong ETag, the hash of the answer, and answers
// 304 to a caller that has it already. Answers belong to callers: a shared cache must not keep them,
// and a private one must ask before it uses them.
type cacheValidators struct{}

// WrapUnary implements connect.Interceptor.
func (cacheValidators) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		if err != nil || req.HTTPMethod() != http.MethodGet {
			return res, err
		}
		etag, err := etagOf(req, res)
		if err != nil {
			return nil, err
		}
		if matches(req.Header().Values("If-None-Match"), etag) {
			header := http.Header{}
			setCacheHeaders(header, etag)
			return nil, connect.NewNotModifiedError(header)
		}
		setCacheHeaders(res.Header(), etag)
		return res, nil
	}
}

// WrapStreamingHandler implements connect.Interceptor; streams do not come by GET.
func (cacheValidators) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// WrapStreamingClient implements connect.Interceptor.
func (cacheValidators) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// etagOf hashes the answer and the form in which it is sent, as a strong ETag must differ by both.
func etagOf(req connect.AnyRequest, res connect.AnyResponse) (string, error) {
	message, ok := res.Any().(proto.Message)
	if !ok {
		return "", fmt.Errorf("answer is a %T", res.Any())
	}
	form := req.Peer().Query.Get("encoding") + "\x00" + strings.Join(req.Header().Values("Accept-Encoding"), ",") + "\x00"
	data, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend([]byte(form), message)
	if err != nil {
		return "", fmt.Errorf("hash the answer: %w", err)
	}
	sum := sha256.Sum256(data)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:etagBytes]) + `"`, nil
}

// matches tells whether If-None-Match holds the ETag. The comparison is the weak one of RFC 9110,
// as a proxy may have weakened the ETag it passed on.
func matches(ifNoneMatch []string, etag string) bool {
	for _, list := range ifNoneMatch {
		for candidate := range strings.SplitSeq(list, ",") {
			candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
			if candidate == etag || candidate == "*" {
				return true
			}
		}
	}
	return false
}

func setCacheHeaders(header http.Header, etag string) {
	header.Set("Etag", etag)
	header.Set("Cache-Control", cacheControl)
	header.Add("Vary", vary)
}
