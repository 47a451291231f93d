package risk

// disposableDomains give e-mail addresses to throw away: the well-known ones. Shops add theirs
// (risk.disposable_domains).
var disposableDomains = []string{
	"10minutemail.com", "burnermail.io", "discard.email", "dispostable.com", "emailondeck.com",
	"fakeinbox.com", "getairmail.com", "getnada.com", "grr.la", "guerrillamail.com",
	"guerrillamail.net", "guerrillamail.org", "inboxkitten.com", "mail-temp.com", "mailcatch.com",
	"maildrop.cc", "mailinator.com", "mailnesia.com", "mailsac.com", "mintemail.com", "moakt.com",
	"mohmal.com", "mytemp.email", "sharklasers.com", "spamgourmet.com", "temp-mail.io",
	"temp-mail.org", "tempail.com", "tempmail.dev", "tempr.email", "throwawaymail.com",
	"trash-mail.com", "trashmail.com", "yopmail.com",
}
