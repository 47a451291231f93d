package simulator

import (
	"html/template"
	"net/http"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

var authenticationPage = template.Must(template.New("").Parse(`<!doctype html>
<meta charset="utf-8"><title>Simulated bank</title>
<h1>Is it you who pays {{.Amount}} minor units of {{.Currency}}?</h1>
<form method="post">
<button name="outcome" value="succeed">Yes, pay</button>
<button name="outcome" value="fail">No</button>
</form>
`))

// authenticationPage is where the customer is sent to prove who they are.
func (s *Simulator) authenticationPage(w http.ResponseWriter, r *http.Request) {
	account, err := s.book.number(r.Context(), parseAuthorizationID(r.PathValue("id")))
	if err != nil {
		problem(w, err)
		return
	}
	if account == nil {
		problem(w, fault.New(fault.KindNotFound, fault.ReasonAuthorizationMissing, "there is no such authorization"))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = authenticationPage.Execute(w, struct{ Amount, Currency any }{account.amount, account.currency})
}

// authenticate takes the customer's answer, and sends them back to where they came from.
func (s *Simulator) authenticate(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	outcome := r.PostFormValue("outcome")
	if outcome != "succeed" && outcome != "fail" {
		problem(w, fault.Invalid(fault.ReasonInvalidRequest, "outcome", "the outcome is succeed or fail"))
		return
	}
	done, err := s.writer.Do(r.Context(), command{
		Operation: operationAuthenticate, account: parseAuthorizationID(r.PathValue("id")), succeed: outcome == "succeed",
	})
	if err != nil {
		problem(w, err)
		return
	}
	if done.account.returnURL != "" {
		http.Redirect(w, r, done.account.returnURL, http.StatusSeeOther) //nolint:gosec // the merchant named it
		return
	}
	answer(w, done.account.result(&done.account, publicURL(r)))
}
