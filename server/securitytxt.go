package server

import (
	"fmt"
	"net/http"
	"time"
)

const (
	securityTextPath = "GET /.well-known/security.txt"
	// securityTextLife is how long a reader may believe what it says; whoever asks again is told anew.
	securityTextLife = 30 * 24 * time.Hour
)

// securityText answers whom to tell of a weakness (RFC 9116).
func securityText(contact string, now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "Contact: %s\nExpires: %s\nPreferred-Languages: en\n", contact, now().Add(securityTextLife).UTC().Format(time.RFC3339))
	})
}
