package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// MailchimpPublisher sends posts as campaigns to an audience through the Marketing API
// (https://mailchimp.com/developer/marketing/api/campaigns/).
//
// A campaign is made, its id is kept, it gets its content, and only then is it sent. Mailchimp sends a campaign once, so
// whatever happens, the campaign's status tells what became of the post. A campaign whose id could not be kept is found by
// its title, which only people in Mailchimp see and which ends in the post's id.
type MailchimpPublisher struct {
	rest
	mailchimpCentres
}

var (
	_ Publisher = (*MailchimpPublisher)(nil)
	_ Measurer  = (*MailchimpPublisher)(nil)
)

// NewMailchimp makes the adapter.
func NewMailchimp(config MailchimpConfig) *MailchimpPublisher {
	m := &MailchimpPublisher{mailchimpCentres: newMailchimpCentres(config)}
	m.rest = newRest("Mailchimp", m.judge)
	return m
}

// mailchimpKept is what Publish keeps: the campaign that is going to be the post, and the files in the file manager.
type mailchimpKept struct {
	CampaignID string `json:"campaign_id,omitempty"`
	Files      hosted `json:"files,omitempty"`
}

// mailchimpAudience is one audience with the access to it.
type mailchimpAudience struct {
	*MailchimpPublisher
	credential MailchimpCredential
}

// mailchimpCampaign is the part of a campaign that the adapter reads.
type mailchimpCampaign struct {
	ID             string `json:"id"`
	Status         string `json:"status"`
	ArchiveURL     string `json:"archive_url"`
	LongArchiveURL string `json:"long_archive_url"`
	SendTime       string `json:"send_time"`
	Settings       struct {
		Title string `json:"title"`
	} `json:"settings"`
}

// mailchimpCampaignFields are the names of its fields.
var mailchimpCampaignFields = []string{"id", "status", "archive_url", "long_archive_url", "send_time", "settings.title"}

// The statuses that matter. The others (paused, schedule, canceled, canceling, archived) come from people in Mailchimp.
const (
	mailchimpSaved   = "save"
	mailchimpSending = "sending"
	mailchimpSent    = "sent"
)

// live tells whether the campaign is on its way to its readers.
func (c mailchimpCampaign) live() bool {
	return c.Status == mailchimpSending || c.Status == mailchimpSent
}

// Publish uploads the files, makes or finds the campaign, keeps its id, fills it, and sends it.
func (m *MailchimpPublisher) Publish(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (Published, error) {
	if err := refuseInvalid(Mailchimp, post); err != nil {
		return Published{}, err
	}
	a, kept, err := m.open(credential, attempt)
	if err != nil {
		return Published{}, err
	}
	var campaign *mailchimpCampaign
	if kept.CampaignID != "" {
		campaign, err = a.read(ctx, kept.CampaignID)
		switch {
		case err != nil && attempt.Decided && gone(err):
			kept.CampaignID, campaign = "", nil
		case err != nil:
			return Published{}, err
		case campaign.live():
			return a.published(*campaign), nil
		}
	}
	uploaded := len(kept.Files)
	if err := kept.Files.upload(ctx, post, attempt, &kept, a.uploadFile); err != nil {
		return Published{}, err
	}
	if campaign != nil && len(kept.Files) > uploaded {
		// That takes minutes, in which people may have done something with the campaign.
		if campaign, err = a.read(ctx, campaign.ID); err != nil {
			return Published{}, err
		}
	}
	settings, err := a.settings(ctx, post)
	if err != nil {
		return Published{}, err
	}
	made := false
	if campaign == nil {
		// An earlier attempt may have made the campaign and died before it was kept. Looking every time costs one request
		// and needs no knowledge of earlier attempts.
		if campaign, err = a.find(ctx, post, attempt); err != nil {
			return Published{}, err
		}
		if campaign == nil {
			made = true
			if campaign, err = a.create(ctx, settings); err != nil {
				return Published{}, err
			}
		}
		kept.CampaignID = campaign.ID
		if err := attempt.keepSent(ctx, kept); err != nil {
			return Published{}, err
		}
	}
	switch {
	case campaign.live():
		return a.published(*campaign), nil
	case campaign.Status != mailchimpSaved:
		return Published{}, mailchimpHandled(campaign.Status)
	}
	if err = a.send(ctx, post, *campaign, settings, !made, kept.Files); err == nil {
		return a.published(*campaign), nil
	}
	if AsError(err).Class == Invalid {
		// Mailchimp also refuses to change or send what it sends already, or is to send.
		now, readErr := a.read(ctx, campaign.ID)
		switch {
		case readErr != nil:
			return Published{}, readErr
		case now.live():
			return a.published(*now), nil
		case now.Status != mailchimpSaved:
			return Published{}, mailchimpHandled(now.Status)
		}
	}
	return Published{}, err
}

// send fills the campaign and sends it. The post may have been edited since the campaign was made, so its settings are set
// anew where it was not made just now.
func (a *mailchimpAudience) send(ctx context.Context, post Post, campaign mailchimpCampaign, settings map[string]string, stale bool, files hosted) error {
	address := "/campaigns/" + campaign.ID
	if stale {
		var changed mailchimpCampaign
		answer, err := a.do(ctx, prepares, a.call(http.MethodPatch, address, map[string]any{"settings": settings}), &changed)
		if err != nil {
			return err
		}
		if changed.ID != campaign.ID {
			return a.badAnswer(prepares, answer.status)
		}
	}
	content := map[string]string{"html": mailchimpHTML(post, files)}
	if _, err := a.do(ctx, prepares, a.call(http.MethodPut, address+"/content", content), &struct{}{}); err != nil && !accepted(err) {
		return err
	}
	var checklist struct {
		Ready *bool `json:"is_ready"`
		Items []struct {
			Type    string `json:"type"`
			Heading string `json:"heading"`
			Details string `json:"details"`
		} `json:"items"`
	}
	answer, err := a.do(ctx, prepares, a.call(http.MethodGet, address+"/send-checklist", nil), &checklist)
	if err != nil {
		return err
	}
	switch {
	case checklist.Ready == nil:
		return a.badAnswer(prepares, answer.status)
	case !*checklist.Ready:
		var problems []string
		for _, item := range checklist.Items {
			if item.Type == "error" {
				problems = append(problems, strings.TrimSpace(item.Heading+": "+item.Details))
			}
		}
		return a.invalid(0, "checklist", strings.Join(problems, " "))
	}
	if !canSend(ctx) {
		return HandedOver()
	}
	answer, err = a.do(ctx, publishes, a.call(http.MethodPost, address+"/actions/send", nil), nil)
	if err == nil && answer.status != http.StatusNoContent {
		return a.unknown(answer.status) // it was not Mailchimp who answered
	}
	return err
}

// accepted tells whether an answer said yes and was only too large to be read. Mailchimp repeats the content, three times over.
func accepted(err error) bool {
	var e *unansweredError
	return errors.As(err, &e) && e.tooLarge() && e.status >= 200 && e.status <= 299
}

// Reconcile asks Mailchimp for the status of the kept campaign, or of the campaign that carries the post's id.
func (m *MailchimpPublisher) Reconcile(ctx context.Context, credential json.RawMessage, post Post, attempt Attempt) (*Published, error) {
	a, kept, err := m.open(credential, attempt)
	if err != nil {
		return nil, err
	}
	var campaign *mailchimpCampaign
	if kept.CampaignID != "" {
		campaign, err = a.read(ctx, kept.CampaignID)
	} else {
		// A campaign is sent only after it was kept, so one that was not kept was never sent by us. A person may have sent it
		// in Mailchimp.
		campaign, err = a.find(ctx, post, attempt)
	}
	switch {
	case err != nil:
		return nil, err
	case campaign == nil || campaign.Status == mailchimpSaved:
		return nil, nil
	case !campaign.live():
		return nil, mailchimpHandled(campaign.Status)
	}
	published := a.published(*campaign)
	return &published, nil
}

// Measure reads the campaign's report.
func (m *MailchimpPublisher) Measure(ctx context.Context, credential json.RawMessage, externalID string) (Metrics, error) {
	a, _, err := m.open(credential, Attempt{})
	if err != nil {
		return Metrics{}, err
	}
	if !mailchimpIDPattern.MatchString(externalID) {
		return Metrics{}, mailchimpNoNumbers(0)
	}
	var report struct {
		Sent    *int64 `json:"emails_sent"`
		Bounces struct {
			Hard   int64 `json:"hard_bounces"`
			Soft   int64 `json:"soft_bounces"`
			Syntax int64 `json:"syntax_errors"`
		} `json:"bounces"`
		Forwards struct {
			Count *int64 `json:"forwards_count"`
		} `json:"forwards"`
		Opens struct {
			Unique *int64 `json:"unique_opens"`
		} `json:"opens"`
		Clicks struct {
			Total *int64 `json:"clicks_total"`
		} `json:"clicks"`
	}
	answer, err := a.do(ctx, prepares, a.call(http.MethodGet, "/reports/"+externalID, nil), &report)
	switch {
	case err != nil && answer.status == http.StatusNotFound && AsError(err).Class == Invalid:
		return Metrics{}, mailchimpNoNumbers(answer.status)
	case err != nil:
		return Metrics{}, err
	case report.Sent == nil:
		return Metrics{}, a.badAnswer(prepares, answer.status)
	}
	delivered := max(0, *report.Sent-report.Bounces.Hard-report.Bounces.Soft-report.Bounces.Syntax)
	return Metrics{Impressions: &delivered, Reach: report.Opens.Unique, Clicks: report.Clicks.Total, Shares: report.Forwards.Count}, nil
}

func mailchimpNoNumbers(status int) *Error {
	return &Error{Class: Invalid, Status: status, Message: "Mailchimp has no report of this campaign any more."}
}

// open reads the credential and the checkpoint. Its errors are *Error.
func (m *MailchimpPublisher) open(raw json.RawMessage, attempt Attempt) (*mailchimpAudience, mailchimpKept, error) {
	var kept mailchimpKept
	a := &mailchimpAudience{MailchimpPublisher: m}
	if err := json.Unmarshal(raw, &a.credential); err != nil ||
		!mailchimpIDPattern.MatchString(a.credential.ListID) || !m.trusted(a.credential.Endpoint) {
		return nil, kept, m.unreadable()
	}
	if err := attempt.kept(&kept); err != nil {
		return nil, kept, err
	}
	if (kept.CampaignID != "" && !mailchimpIDPattern.MatchString(kept.CampaignID)) || !kept.Files.valid() {
		return nil, kept, &Error{Class: UnknownOutcome,
			Message: "What an earlier attempt left behind cannot be read. Look in Mailchimp whether the campaign was sent."}
	}
	if kept.Files == nil {
		kept.Files = hosted{}
	}
	return a, kept, nil
}

// call is a request to the audience's data centre. body is sent as JSON, unless it is nil.
func (a *mailchimpAudience) call(method, address string, body any) call {
	return call{method: method, url: a.credential.Endpoint + "/3.0" + address, authorization: bearer(a.credential.AccessToken), json: body}
}

// uploadFile puts a file into the file manager, and tells where readers load it.
func (a *mailchimpAudience) uploadFile(ctx context.Context, media Media) (string, error) {
	file, err := media.open(ctx)
	if err != nil {
		return "", err
	}
	defer file.Close()
	call := a.call(http.MethodPost, "/file-manager/files", nil)
	// The name has no character that JSON would write differently.
	call.upload = base64Body("application/json", []byte(`{"name":"`+hostedName(media)+`","file_data":"`), media, file, []byte(`"}`))
	var stored struct {
		URL string `json:"full_size_url"`
	}
	answer, err := a.do(ctx, prepares, call, &stored)
	if err != nil {
		return "", err
	}
	address := foreignURL(stored.URL)
	if address == "" {
		return "", a.badAnswer(prepares, answer.status)
	}
	return address, nil
}

// mailchimpSubject is the e-mail's subject.
func mailchimpSubject(post Post) string {
	return cmp.Or(strings.TrimSpace(post.Options.Subject), strings.TrimSpace(post.Title))
}

// mailchimpMark ends the title of a post's campaign.
func mailchimpMark(post Post) string { return "[fanfare-" + post.ID.String() + "]" }

// settings are those of the post's campaign. What it does not say itself is asked of the audience.
func (a *mailchimpAudience) settings(ctx context.Context, post Post) (map[string]string, error) {
	subject := mailchimpSubject(post)
	settings := map[string]string{
		"subject_line": subject, "preview_text": strings.TrimSpace(post.Options.PreviewText),
		"title":     firstRunes(subject, 50) + " " + mailchimpMark(post),
		"from_name": strings.TrimSpace(post.Options.FromName), "reply_to": strings.TrimSpace(post.Options.ReplyTo),
	}
	if settings["from_name"] != "" && settings["reply_to"] != "" {
		return settings, nil
	}
	var list struct {
		ID       string `json:"id"`
		Defaults struct {
			FromName  string `json:"from_name"`
			FromEmail string `json:"from_email"`
		} `json:"campaign_defaults"`
	}
	answer, err := a.do(ctx, prepares, a.call(http.MethodGet, "/lists/"+a.credential.ListID+"?fields=id,campaign_defaults", nil), &list)
	switch {
	case err != nil && answer.status == http.StatusNotFound && AsError(err).Class == Invalid:
		return nil, &Error{Class: Credential, Status: answer.status, Code: AsError(err).Code,
			Message: "The audience is not in Mailchimp any more, or not in the hands of whoever connected it. Connect it again. Nothing was sent."}
	case err != nil:
		return nil, err
	case list.ID != a.credential.ListID:
		return nil, a.badAnswer(prepares, answer.status)
	}
	settings["from_name"] = cmp.Or(settings["from_name"], list.Defaults.FromName)
	settings["reply_to"] = cmp.Or(settings["reply_to"], list.Defaults.FromEmail)
	return settings, nil
}

// find looks for the campaign that carries the post's id; nil if there is none.
func (a *mailchimpAudience) find(ctx context.Context, post Post, attempt Attempt) (*mailchimpCampaign, error) {
	query := url.Values{
		"list_id": {a.credential.ListID}, "count": {"1000"}, "sort_field": {"create_time"}, "sort_dir": {"DESC"},
		"fields": {"campaigns." + strings.Join(mailchimpCampaignFields, ",campaigns.")},
	}
	if !attempt.FirstStarted.IsZero() {
		query.Set("since_create_time", attempt.FirstStarted.Add(-2*time.Minute).UTC().Format(time.RFC3339))
	}
	var found struct {
		Campaigns []mailchimpCampaign `json:"campaigns"`
	}
	answer, err := a.do(ctx, prepares, a.call(http.MethodGet, "/campaigns?"+query.Encode(), nil), &found)
	if err != nil {
		return nil, err
	}
	if found.Campaigns == nil {
		return nil, a.badAnswer(prepares, answer.status)
	}
	for _, campaign := range found.Campaigns {
		if strings.HasSuffix(campaign.Settings.Title, mailchimpMark(post)) {
			return a.checked(answer, campaign)
		}
	}
	return nil, nil
}

// create makes the campaign. Nothing is sent yet.
func (a *mailchimpAudience) create(ctx context.Context, settings map[string]string) (*mailchimpCampaign, error) {
	var campaign mailchimpCampaign
	answer, err := a.do(ctx, prepares, a.call(http.MethodPost, "/campaigns", map[string]any{
		"type": "regular", "recipients": map[string]string{"list_id": a.credential.ListID}, "settings": settings,
	}), &campaign)
	if err != nil {
		return nil, err
	}
	return a.checked(answer, campaign)
}

// read gives a kept campaign. Its absence is an UnknownOutcome: it may have been sent and deleted, or deleted before.
func (a *mailchimpAudience) read(ctx context.Context, id string) (*mailchimpCampaign, error) {
	var campaign mailchimpCampaign
	answer, err := a.do(ctx, prepares, a.call(http.MethodGet, "/campaigns/"+id+"?fields="+strings.Join(mailchimpCampaignFields, ","), nil), &campaign)
	if err != nil && answer.status == http.StatusNotFound && AsError(err).Class == Invalid {
		return nil, &Error{Class: UnknownOutcome, Status: answer.status, Code: AsError(err).Code,
			Message: "The campaign has gone from Mailchimp: somebody deleted it there. Publish it again if it was not sent and is still wanted."}
	}
	if err != nil {
		return nil, err
	}
	return a.checked(answer, campaign)
}

// checked gives a campaign of whose id and status an answer can be sure.
func (a *mailchimpAudience) checked(answer answer, campaign mailchimpCampaign) (*mailchimpCampaign, error) {
	if !mailchimpIDPattern.MatchString(campaign.ID) || campaign.Status == "" {
		return nil, a.badAnswer(prepares, answer.status)
	}
	return &campaign, nil
}

// mailchimpHandled is for a campaign that people in Mailchimp have taken into their hands.
func mailchimpHandled(status string) *Error {
	message := "Somebody has taken the campaign into their hands in Mailchimp; it may have been sent in part. Look there what has become of it."
	if status == "schedule" {
		message = "Somebody has scheduled the campaign in Mailchimp, which sends it at that time. Look there whether it was sent."
	}
	return &Error{Class: UnknownOutcome, Code: known(status), Message: message}
}

// published says where a campaign is.
func (a *mailchimpAudience) published(campaign mailchimpCampaign) Published {
	now := time.Now()
	published := Published{ExternalID: campaign.ID, URL: cmp.Or(foreignURL(campaign.LongArchiveURL), foreignURL(campaign.ArchiveURL)), At: now}
	if at, err := time.Parse(time.RFC3339, campaign.SendTime); err == nil && at.Year() >= 2000 && at.Before(now.Add(24*time.Hour)) {
		published.At = at
	}
	return published
}

// judge judges an answer other than 2xx by its status and the problem's title, which stands for its type
// (https://mailchimp.com/developer/marketing/docs/errors/); nil leaves it to the status.
func (m *MailchimpPublisher) judge(a answer) *Error {
	var problem struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Errors []struct {
			Field   string `json:"field"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	theirs := a.decode(&problem) && problem.Status == a.status
	code := known(strings.ReplaceAll(problem.Title, " ", ""))
	switch {
	case a.status == http.StatusForbidden && !theirs:
		// Whoever asks too often gets a 403 of the machines that stand before Mailchimp.
		return &Error{Class: RateLimited, Status: a.status, RetryAt: resetAt(a.header, time.Now()), Message: "Mailchimp takes no more requests for now."}
	case !theirs:
		return nil
	case strings.EqualFold(code, "ComplianceRelated"):
		return &Error{Class: Invalid, Status: a.status, Code: code,
			Message: "Mailchimp does not let this account send at the moment. Its owner must settle that in Mailchimp, then publish again."}
	case strings.EqualFold(code, "UserDisabled"):
		return &Error{Class: Credential, Status: a.status, Code: code,
			Message: "Mailchimp has disabled the user who connected this account. Settle that in Mailchimp, then connect the account again."}
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return m.credentialRefused(a.status, code)
	case a.status == http.StatusPaymentRequired:
		return m.unpaid(a.status, code)
	case a.status < 400 || a.status >= 500 || a.status == http.StatusRequestTimeout || a.status == http.StatusTooManyRequests:
		return nil
	}
	why := problem.Detail
	if len(problem.Errors) > 0 {
		why = strings.TrimPrefix(problem.Errors[0].Field+": ", ": ") + problem.Errors[0].Message
	}
	return m.invalid(a.status, code, why)
}
