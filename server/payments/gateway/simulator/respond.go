package simulator

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

func publicURL(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func decode(w http.ResponseWriter, r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fault.New(fault.KindInvalid, fault.ReasonMalformedRequest, "the body cannot be read: %s", err)
	}
	return nil
}

func answer(w http.ResponseWriter, message any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(message)
}

// problem answers with an error. What is no fault may have happened: 500.
func problem(w http.ResponseWriter, err error) {
	f := fault.From(err)
	if f == nil {
		http.Error(w, "the simulator failed", http.StatusInternalServerError)
		return
	}
	m := problemMessage{Reason: string(f.Reason), Message: f.Message}
	if len(f.Violations) > 0 {
		m.Field = f.Violations[0].Field
	}
	w.Header().Set("Content-Type", "application/json")
	if seconds := int64((f.RetryAfter + time.Second - 1) / time.Second); seconds > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	w.WriteHeader(statusOf(f))
	_ = json.NewEncoder(w).Encode(m)
}

func statusOf(f *fault.Fault) int {
	switch f.Kind {
	case fault.KindInvalid:
		return http.StatusBadRequest
	case fault.KindUnauthenticated, fault.KindDenied:
		return http.StatusUnauthorized
	case fault.KindNotFound:
		return http.StatusNotFound
	case fault.KindExists:
		return http.StatusConflict
	case fault.KindPrecondition:
		return http.StatusUnprocessableEntity
	case fault.KindExhausted:
		return http.StatusTooManyRequests
	case fault.KindUnavailable:
		if f.RetryAfter > 0 {
			return http.StatusTooManyRequests
		}
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
