package stripe_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/gatewaytest"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/resilient"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/stripe"
)

// object is something as Stripe's JSON has it.
type object = map[string]any

// account answers as Stripe documents that it does: https://docs.stripe.com/api. It keeps what
// stripe-mock forgets, so that the suite can hold this gateway to its promises.
type account struct {
	now     func() time.Time
	mu      sync.Mutex
	intents []object
	refunds []object
	answers map[string]saved // by idempotency key
	struck  map[string]bool
}

type saved struct {
	request [32]byte
	status  int
	body    object
}

// refusal is an answer that is an error.
type refusal struct {
	status int
	body   object
}

func refuse(status int, kind, code, param string, more object) refusal {
	e := object{"type": kind, "code": code, "param": param, "message": "a sentence that may change"}
	maps.Copy(e, more)
	return refusal{status, object{"error": e}}
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	status, body := a.serve(r)
	if status == 0 { // the connection is lost in the middle of the answer
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("{"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (a *account) serve(r *http.Request) (status int, body object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	request := sha256.Sum256([]byte(r.URL.Path + "?" + r.PostForm.Encode()))
	if known, again := a.answers[key]; again && key != "" {
		if known.request != request {
			return errorOf(refuse(http.StatusBadRequest, "idempotency_error", "", "", nil))
		}
		return known.status, known.body
	}
	trouble := a.trouble(r, key)
	switch trouble {
	case "timeout_before":
		return 0, nil
	case "error_500":
		return http.StatusInternalServerError, object{"error": object{"type": "api_error"}}
	case "refused":
		return errorOf(refuse(http.StatusTooManyRequests, "invalid_request_error", "rate_limit", "", nil))
	}
	status, body = http.StatusOK, nil
	func() {
		defer func() {
			if refused, ok := recover().(refusal); ok {
				status, body = errorOf(refused)
			}
		}()
		body = a.answer(r)
	}()
	if key != "" && (status == http.StatusOK || status == http.StatusPaymentRequired) {
		a.answers[key] = saved{request, status, clone(body)}
	}
	switch trouble {
	case "timeout_after":
		return 0, nil
	case "error_500_after":
		return http.StatusInternalServerError, object{"error": object{"type": "api_error"}}
	}
	return status, clone(body)
}

func errorOf(r refusal) (int, object) { return r.status, r.body }

func clone(o object) object {
	text, _ := json.Marshal(o)
	var out object
	_ = json.Unmarshal(text, &out)
	return out
}

// trouble is what the payment method of a new payment, or of the one that is meant, asks for, once a key.
func (a *account) trouble(r *http.Request, key string) string {
	if r.Method != http.MethodPost || a.struck[key] {
		return ""
	}
	method, prefix := r.PostForm.Get("payment_method"), ""
	if method == "" {
		id := r.PostForm.Get("payment_intent")
		prefix = "refund_"
		if parts := strings.Split(r.URL.Path, "/"); len(parts) == 5 {
			id, prefix = parts[3], map[string]string{"capture": "capture_", "cancel": "void_"}[parts[4]]
		}
		if intent := a.find(id); intent != nil {
			method, _ = intent["payment_method"].(string)
		}
	}
	name, ours := strings.CutPrefix(method, "pm_"+prefix)
	if !ours {
		return ""
	}
	a.struck[key] = true
	return name
}

func (a *account) find(id string) object {
	for _, intent := range a.intents {
		if intent["id"] == id {
			return intent
		}
	}
	return nil
}

func (a *account) must(id string) object {
	intent := a.find(id)
	if intent == nil {
		panic(refuse(http.StatusNotFound, "invalid_request_error", "resource_missing", "intent", nil))
	}
	return intent
}

func (a *account) answer(r *http.Request) object {
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	post := r.Method == http.MethodPost
	switch {
	case post && r.URL.Path == "/v1/payment_intents":
		return a.create(r.PostForm)
	case post && r.URL.Path == "/v1/refunds":
		return a.refund(r.PostForm)
	case r.URL.Path == "/v1/refunds":
		return list(a.refunds, r.Form, func(o object) bool {
			return r.Form.Get("payment_intent") == "" || o["payment_intent"] == r.Form.Get("payment_intent")
		})
	case r.URL.Path == "/v1/payment_intents/search":
		return list(nil, r.Form, nil) // it lags
	case r.URL.Path == "/v1/payment_intents":
		return list(a.intents, r.Form, func(object) bool { return true })
	case post && path[2] == "capture":
		return a.capture(a.must(path[1]), r.PostForm)
	case post && path[2] == "cancel":
		return a.cancel(a.must(path[1]))
	default:
		return a.must(path[1])
	}
}

func (a *account) create(form url.Values) object {
	intent := object{
		"id": fmt.Sprintf("pi_%d", len(a.intents)+1), "object": "payment_intent", "amount": number(form, "amount"),
		"currency": form.Get("currency"), "payment_method": form.Get("payment_method"), "metadata": metadata(object{}, form),
		"status": "requires_capture", "amount_capturable": number(form, "amount"), "amount_received": 0,
		"latest_charge": object{"id": fmt.Sprintf("ch_%d", len(a.intents)+1), "object": "charge"}, "created": a.now().Unix(),
	}
	a.intents = append(a.intents, intent)
	nothing := func(status string) {
		intent["status"], intent["amount_capturable"], intent["latest_charge"] = status, 0, nil
	}
	declines := map[string][2]string{
		"pm_declined": {"card_declined", "generic_decline"}, "pm_insufficient_funds": {"card_declined", "insufficient_funds"},
		"pm_expired_method": {"expired_card", "expired_card"},
	}
	if codes, declined := declines[form.Get("payment_method")]; declined {
		nothing("requires_payment_method")
		intent["last_payment_error"] = object{"type": "card_error", "code": codes[0], "decline_code": codes[1]}
		panic(refuse(http.StatusPaymentRequired, "card_error", codes[0], "", object{"decline_code": codes[1], "payment_intent": intent}))
	}
	if form.Get("payment_method") == "pm_authentication_required" {
		nothing("requires_action")
		intent["next_action"] = object{"type": "redirect_to_url", "redirect_to_url": object{"url": "https://hooks.example/" + intent["id"].(string)}}
	}
	return intent
}

func (a *account) capture(intent object, form url.Values) object {
	if intent["status"] != "requires_capture" {
		panic(refuse(http.StatusBadRequest, "invalid_request_error", "payment_intent_unexpected_state", "", object{"payment_intent": intent}))
	}
	amount, left := number(form, "amount_to_capture"), intent["amount_capturable"].(int)
	final := form.Get("final_capture") == "true"
	if amount > left {
		panic(refuse(http.StatusBadRequest, "invalid_request_error", "amount_too_large", "amount_to_capture", nil))
	}
	if amount == 0 && intent["amount_received"] == 0 {
		panic(refuse(http.StatusBadRequest, "invalid_request_error", "parameter_invalid_integer", "amount_to_capture", nil))
	}
	intent["amount_received"] = intent["amount_received"].(int) + amount
	if left -= amount; final {
		left = 0
	}
	if intent["amount_capturable"] = left; left == 0 {
		intent["status"] = "succeeded"
	}
	intent["metadata"] = metadata(intent["metadata"].(object), form)
	return intent
}

func (a *account) cancel(intent object) object {
	if s := intent["status"]; s == "canceled" || s == "succeeded" || intent["amount_received"].(int) > 0 {
		panic(refuse(http.StatusBadRequest, "invalid_request_error", "payment_intent_unexpected_state", "", object{"payment_intent": intent}))
	}
	intent["status"], intent["amount_capturable"], intent["canceled_at"] = "canceled", 0, a.now().Unix()
	return intent
}

func (a *account) refund(form url.Values) object {
	intent := a.must(form.Get("payment_intent"))
	left := intent["amount_received"].(int)
	for _, other := range a.refunds {
		if other["payment_intent"] == intent["id"] {
			left -= other["amount"].(int)
		}
	}
	if number(form, "amount") > left {
		panic(refuse(http.StatusBadRequest, "invalid_request_error", "", "amount", nil))
	}
	refund := object{
		"id": fmt.Sprintf("re_%d", len(a.refunds)+1), "object": "refund", "amount": number(form, "amount"), "currency": intent["currency"],
		"payment_intent": intent["id"], "status": "succeeded", "metadata": metadata(object{}, form), "created": a.now().Unix(),
	}
	a.refunds = append(a.refunds, refund)
	return refund
}

// list gives a page, newest first.
func list(all []object, form url.Values, want func(object) bool) object {
	limit, data, more, after := 10, []object{}, false, form.Get("starting_after")
	if n := number(form, "limit"); n > 0 {
		limit = n
	}
	for i := len(all) - 1; i >= 0; i-- {
		o := all[i]
		since, until := number(form, "created[gte]"), number(form, "created[lte]")
		created := int(o["created"].(int64))
		switch {
		case after != "":
			if o["id"] == after {
				after = ""
			}
		case created < since, until > 0 && created > until, !want(o):
		case len(data) == limit:
			more = true
		default:
			data = append(data, o)
		}
	}
	return object{"object": "list", "data": data, "has_more": more}
}

func number(form url.Values, name string) int {
	n, _ := strconv.Atoi(form.Get(name))
	return n
}

func metadata(into object, form url.Values) object {
	for name, values := range form {
		if field, ok := strings.CutPrefix(name, "metadata["); ok {
			into[strings.TrimSuffix(field, "]")] = values[0]
		}
	}
	return into
}

// authenticate is what the customer does at the redirect URL.
func (a *account) authenticate(id string, succeed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	intent := a.find(id)
	switch {
	case intent["status"] != "requires_action":
	case succeed:
		intent["status"], intent["amount_capturable"] = "requires_capture", intent["amount"]
		intent["latest_charge"] = object{"id": "ch_" + id, "object": "charge"}
	default:
		intent["status"] = "requires_payment_method"
		intent["last_payment_error"] = object{"type": "invalid_request_error", "code": "payment_intent_authentication_failure"}
	}
}

func documented(wrap func(gateway.Gateway) gateway.Gateway) gatewaytest.Backend {
	return gatewaytest.Backend{
		Cannot: map[gatewaytest.Capability]string{
			gatewaytest.Webhook: "nothing here sends webhooks; what they say is tested by the events in this package",
			gatewaytest.Owner:   "Stripe is not told whose authorization it is; the id alone names it",
			gatewaytest.Expiry:  "Stripe's authorizations expire after days, by Stripe's clock",
			gatewaytest.Later:   "Stripe declines authorizations, not captures",
		},
		New: func(tb testing.TB) *gatewaytest.Bench {
			tb.Helper()
			var ahead atomic.Int64
			now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			a := &account{now: now, answers: map[string]saved{}, struck: map[string]bool{}}
			server := httptest.NewServer(a)
			g := stripe.New(stripe.Options{SecretKey: "sk_test_123", WebhookSecrets: []string{secret}, URL: server.URL, Timeout: 20 * time.Second, Now: now})
			tb.Cleanup(func() {
				g.Close()
				server.Close()
			})
			return &gatewaytest.Bench{
				Gateway: wrap(g), Now: now, Sign: sign, Event: []byte(intentEvent),
				Advance: func(d time.Duration) { ahead.Add(int64(d)) },
				Method:  func(fault string) string { return "pm_" + fault },
				Authenticate: func(tb testing.TB, redirectURL string, succeed bool) {
					tb.Helper()
					u, err := url.Parse(redirectURL)
					require.NoError(tb, err)
					a.authenticate(strings.TrimPrefix(u.Path, "/"), succeed)
				},
			}
		},
	}
}

func TestGateway_Documented(t *testing.T) {
	gatewaytest.Run(t, documented(func(g gateway.Gateway) gateway.Gateway { return g }))
}

func TestGateway_DocumentedAndGuarded(t *testing.T) {
	gatewaytest.Run(t, documented(func(g gateway.Gateway) gateway.Gateway {
		return resilient.New(g, outbound.New("gateway", outbound.Options{Backoff: time.Millisecond, TryTimeout: 20 * time.Second}))
	}))
}
