package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// maxAnswer bounds what is read of an answer; a page of the ledger is the largest.
const maxAnswer = 16 << 20

// call makes one request. Its errors are of the sorts that gateway.Gateway describes.
func (g *Gateway) call(ctx context.Context, method, path string, query url.Values, q *operationRequest, into any) error {
	if err := ctx.Err(); err != nil {
		return gateway.Temporary(0, err) // nothing was sent
	}
	ctx, cancel := context.WithTimeout(ctx, g.options.Timeout)
	defer cancel()
	target := g.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	var body io.Reader
	if q != nil {
		deadline, _ := ctx.Deadline()
		q.DeadlineMilli = g.options.Now().Add(time.Until(deadline)).UnixMilli() + 1
		text, err := json.Marshal(q)
		if err != nil {
			return gateway.Temporary(0, err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return gateway.Misconfigured(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if g.options.APIKey != "" {
		request.Header.Set("Authorization", "Bearer "+g.options.APIKey)
	}
	response, err := g.client.Do(request)
	if err != nil {
		return gateway.Unanswered(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return failure(response)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(into); err != nil {
		return gateway.Unknown(fmt.Errorf("read the simulator's answer: %w", err))
	}
	_, _ = io.Copy(io.Discard, response.Body) // so that the connection is used again
	return nil
}

// failure makes the error of an answer that is not 200.
func failure(response *http.Response) error {
	cause := fmt.Errorf("the simulator answered %s", response.Status)
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return gateway.Temporary(time.Duration(min(max(seconds, 0), 3600))*time.Second, cause)
	case http.StatusUnauthorized, http.StatusForbidden:
		return gateway.Misconfigured(cause)
	}
	var m problemMessage
	err := json.NewDecoder(io.LimitReader(response.Body, maxBody)).Decode(&m)
	if err != nil || m.Reason == "" {
		return gateway.Unknown(cause)
	}
	var kind fault.Kind
	switch response.StatusCode {
	case http.StatusBadRequest:
		kind = fault.KindInvalid
	case http.StatusNotFound:
		kind = fault.KindNotFound
	case http.StatusConflict:
		kind = fault.KindExists
	case http.StatusUnprocessableEntity:
		kind = fault.KindPrecondition
	default:
		return gateway.Unknown(cause)
	}
	f := fault.New(kind, fault.Reason(m.Reason), "%s", m.Message)
	if m.Field != "" {
		f.Violations = []fault.Violation{{Field: m.Field, Message: m.Message}}
	}
	return f.Because(cause)
}
