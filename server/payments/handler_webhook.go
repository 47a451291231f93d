package payments

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// maxWebhookBytes bounds the body of a webhook; the largest events of gateways are far smaller.
const maxWebhookBytes = 256 << 10

// WebhookPath is where the webhook of a gateway is mounted: this and the gateway's name.
const WebhookPath = "/webhooks/payments/"

// NewWebhookHandler takes what the gateway of this name posts. It answers 204 when the event was
// taken, now or before; gateways send again what is answered otherwise. The body is read as it came,
// since its signature is over the bytes.
func NewWebhookHandler(s *Service, name string, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			refuseWebhook(w, http.StatusMethodNotAllowed, fault.ReasonMethodNotAllowed, "a webhook is posted")
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhookBytes))
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			refuseWebhook(w, http.StatusRequestEntityTooLarge, fault.ReasonRequestTooLarge, "the webhook is too large")
			return
		}
		if err != nil {
			refuseWebhook(w, http.StatusBadRequest, fault.ReasonMalformedRequest, "the webhook cannot be read")
			return
		}
		if err := s.HandleWebhook(r.Context(), name, r.Header, body); err != nil {
			answerWebhook(w, r, err, logger.With("gateway", name))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// answerWebhook turns a fault into a status: what will do better later is 503, so that it is sent
// again.
func answerWebhook(w http.ResponseWriter, r *http.Request, err error, logger *slog.Logger) {
	f := fault.From(err)
	if ended := r.Context().Err() != nil || errors.Is(err, context.Canceled); ended && (f == nil || f.Kind == fault.KindInternal) {
		// The sender has gone, or the server stops: what it fails with below is no error of ours.
		if f = fault.From(context.Cause(r.Context())); f == nil {
			f = fault.New(fault.KindUnavailable, fault.ReasonCanceled, "the webhook was not taken to its end; send it again").Because(err)
		}
	}
	if f == nil {
		logger.ErrorContext(r.Context(), "a webhook failed", "error", err)
		refuseWebhook(w, http.StatusInternalServerError, fault.ReasonInternal, "an error of ours; it is in the log")
		return
	}
	logger.WarnContext(r.Context(), "a webhook was not taken", "reason", string(f.Reason), "error", err)
	status := http.StatusServiceUnavailable
	switch f.Kind {
	case fault.KindInvalid, fault.KindPrecondition, fault.KindExists:
		status = http.StatusBadRequest
	case fault.KindUnauthenticated, fault.KindDenied:
		status = http.StatusUnauthorized
	case fault.KindNotFound:
		status = http.StatusNotFound
	case fault.KindInternal:
		status = http.StatusInternalServerError
	case fault.KindConflict, fault.KindExhausted, fault.KindUnavailable:
	}
	refuseWebhook(w, status, f.Reason, f.Message)
}

func refuseWebhook(w http.ResponseWriter, status int, reason fault.Reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"reason": string(reason), "message": message}) // the sender is gone
}
