package sandbox

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"image"
	_ "image/gif"  // what the file manager takes
	_ "image/jpeg" // the same
	_ "image/png"  // the same
	"net/http"
	"net/mail"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Mailchimp's limits (https://mailchimp.com/developer/marketing/docs/fundamentals/ and the reference of campaigns and of
// the file manager).
const (
	mailchimpMaxConnections = 10       // at a time, of one user
	mailchimpMaxFile        = 10 << 20 // bytes
	mailchimpMaxSubject     = 150      // characters, as the preview text
	mailchimpMembers        = 120      // contacts of each list
	mailchimpSending        = time.Second
)

// mailchimpState is what the accounts at Mailchimp have.
type mailchimpState struct {
	Campaigns []*mailchimpCampaign `json:"campaigns,omitempty"`
	Files     []*mailchimpFile     `json:"files,omitempty"`
}

// mailchimpCampaign is a campaign. Its status is kept as it was set last: see mailchimpSettle.
type mailchimpCampaign struct {
	ID       string            `json:"id"`
	WebID    int               `json:"web_id"`
	Person   string            `json:"person"`
	Type     string            `json:"type"`
	ListID   string            `json:"list_id"`
	Status   string            `json:"status"` // save, schedule, sending or sent
	Settings mailchimpSettings `json:"settings"`
	HTML     string            `json:"html,omitempty"`
	Created  time.Time         `json:"created"`
	// SendAt is when it was sent, or is to be; Archive where its page is, absolute.
	SendAt  time.Time `json:"send_at,omitzero"`
	Archive string    `json:"archive"`
}

// mailchimpSettings are a campaign's settings. Nil in a request: not given.
type mailchimpSettings struct {
	Subject  *string `json:"subject_line,omitempty"`
	Preview  *string `json:"preview_text,omitempty"`
	Title    *string `json:"title,omitempty"`
	FromName *string `json:"from_name,omitempty"`
	ReplyTo  *string `json:"reply_to,omitempty"`
}

// mailchimpFile is a file of an account's file manager.
type mailchimpFile struct {
	ID     int    `json:"id"`
	Person string `json:"person"`
	Name   string `json:"name"`
	URL    string `json:"url"`
	PostFile
}

// MailchimpCampaign is a campaign as tests look at it, in any status.
type MailchimpCampaign struct {
	ID, ListID, Status, Title, Subject, Preview, FromName, ReplyTo, HTML string
}

// MailchimpCampaigns lists the campaigns of all accounts, the oldest first.
func (s *Sandbox) MailchimpCampaigns() []MailchimpCampaign {
	s.mu.Lock()
	defer s.mu.Unlock()
	campaigns := []MailchimpCampaign{}
	for _, c := range s.state.Mailchimp.Campaigns {
		campaigns = append(campaigns, MailchimpCampaign{
			ID: c.ID, ListID: c.ListID, Status: s.mailchimpStatus(c), HTML: c.HTML,
			Title: text(c.Settings.Title), Subject: text(c.Settings.Subject), Preview: text(c.Settings.Preview),
			FromName: text(c.Settings.FromName), ReplyTo: text(c.Settings.ReplyTo),
		})
	}
	return campaigns
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

func (s *Sandbox) routeMailchimpCampaigns() {
	api := func(pattern, step string, maxBody int64, judge func(*Sandbox, *apiRequest, *oauthPerson) answer) {
		method, address, _ := strings.Cut(pattern, " ")
		s.mux.HandleFunc(method+" /mailchimp-api/{dc}/3.0"+address, s.mailchimpConnections(s.apiHandler(apiEndpoint{
			svc: mailchimpService, step: step, maxBody: maxBody, refuse: mailchimpFault,
			tooLarge: func() answer {
				return mailchimpProblem(http.StatusRequestEntityTooLarge, "Request Entity Too Large", "The body is too large.")
			},
			judge: func(s *Sandbox, st *oauthState, r *apiRequest) answer {
				person, refusal := mailchimpPerson(s, st, r.Request)
				if refusal != nil {
					return *refusal
				}
				s.mailchimpSettle()
				return judge(s, r, person)
			},
		})))
	}
	api("GET /campaigns", "find", 0, mailchimpFind)
	api("POST /campaigns", "create", 0, mailchimpCreate)
	one := func(pattern, step string, maxBody int64, judge func(*Sandbox, *apiRequest, *mailchimpCampaign) answer) {
		api(pattern, step, maxBody, func(s *Sandbox, r *apiRequest, person *oauthPerson) answer {
			for _, c := range s.state.Mailchimp.Campaigns {
				if c.ID == r.PathValue("campaign") && c.Person == person.ID {
					return judge(s, r, c)
				}
			}
			return mailchimpMissing()
		})
	}
	one("GET /campaigns/{campaign}", "read", 0, mailchimpRead)
	one("PATCH /campaigns/{campaign}", "update", 0, mailchimpUpdate)
	one("DELETE /campaigns/{campaign}", "delete", 0, mailchimpDelete)
	one("PUT /campaigns/{campaign}/content", "content", 10<<20, mailchimpContent)
	one("GET /campaigns/{campaign}/send-checklist", "checklist", 0, mailchimpChecklist)
	one("POST /campaigns/{campaign}/actions/send", "send", 0, mailchimpSend)
	one("POST /campaigns/{campaign}/actions/schedule", "schedule", 0, mailchimpSchedule)
	one("POST /campaigns/{campaign}/actions/unschedule", "unschedule", 0, mailchimpUnschedule)
	one("GET /reports/{campaign}", "report", 0, mailchimpReport)
	api("POST /file-manager/files", "upload", mailchimpMaxFile/3*4+1<<20, mailchimpUpload)
	s.mux.HandleFunc("GET /mailchimp-archive/{campaign}", s.showMailchimpCampaign)
}

// mailchimpConnections refuses more requests at a time than one user may have.
func (s *Sandbox) mailchimpConnections(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user := r.Header.Get("Authorization")
		count := func(by int) int {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.mailchimpOpen[user] += by
			return s.mailchimpOpen[user]
		}
		defer func() {
			if count(-1) == 0 {
				s.mu.Lock()
				delete(s.mailchimpOpen, user)
				s.mu.Unlock()
			}
		}()
		if count(1) > mailchimpMaxConnections {
			mailchimpProblem(http.StatusTooManyRequests, "Too Many Requests", "You have exceeded the limit of 10 simultaneous connections.").write(w)
			return
		}
		handler(w, r)
	}
}

func mailchimpMissing() answer {
	return mailchimpProblem(http.StatusNotFound, "Resource Not Found", "The requested resource could not be found.")
}

// mailchimpInvalid is the answer to a field that breaks a rule.
func mailchimpInvalid(field, message string) answer {
	a := mailchimpProblem(http.StatusBadRequest, "Invalid Resource",
		"The resource submitted could not be validated. For field-specific details, see the 'errors' array.")
	var body map[string]any
	if err := json.Unmarshal(a.body, &body); err != nil {
		panic(err) // it was just made
	}
	body["errors"] = []any{map[string]any{"field": field, "message": message}}
	return jsonAnswer(http.StatusBadRequest, a.header.Get("Content-Type"), body)
}

func mailchimpBadRequest(detail string) answer {
	return mailchimpProblem(http.StatusBadRequest, "Bad Request", detail)
}

// mailchimpDecode reads a request's body; nil is good.
func mailchimpDecode(r *apiRequest, into any) *answer {
	if err := json.Unmarshal(r.body, into); err != nil {
		a := mailchimpProblem(http.StatusBadRequest, "JSON Parse Error", "We encountered an unspecified JSON parsing error.")
		return &a
	}
	return nil
}

// check judges what is given of the settings; nil is good.
func (in mailchimpSettings) check() *answer {
	for field, value := range map[string]*string{"settings.subject_line": in.Subject, "settings.preview_text": in.Preview} {
		if utf8.RuneCountInString(text(value)) > mailchimpMaxSubject {
			a := mailchimpInvalid(field, "This value is too long. It should have 150 characters or less.")
			return &a
		}
	}
	if reply := text(in.ReplyTo); reply != "" {
		if address, err := mail.ParseAddress(reply); err != nil || address.Address != reply {
			a := mailchimpInvalid("settings.reply_to", "This value is not a valid email address.")
			return &a
		}
	}
	return nil
}

// over gives the settings with what is given in the others.
func (in mailchimpSettings) over(before mailchimpSettings) mailchimpSettings {
	return mailchimpSettings{
		Subject: cmp.Or(in.Subject, before.Subject), Preview: cmp.Or(in.Preview, before.Preview), Title: cmp.Or(in.Title, before.Title),
		FromName: cmp.Or(in.FromName, before.FromName), ReplyTo: cmp.Or(in.ReplyTo, before.ReplyTo),
	}
}

func mailchimpCreate(s *Sandbox, r *apiRequest, person *oauthPerson) answer {
	var in struct {
		Type       string `json:"type"`
		Recipients struct {
			ListID string `json:"list_id"`
		} `json:"recipients"`
		Settings mailchimpSettings `json:"settings"`
	}
	if refusal := mailchimpDecode(r, &in); refusal != nil {
		return *refusal
	}
	if !slices.Contains([]string{"regular", "plaintext"}, in.Type) {
		return mailchimpInvalid("type", "This stand-in makes campaigns of type regular and plaintext only.")
	}
	if id := in.Recipients.ListID; id != "" && s.mailchimpListOf(person.ID, id) == nil {
		return mailchimpInvalid("recipients.list_id", "The list does not exist.")
	}
	if refusal := in.Settings.check(); refusal != nil {
		return *refusal
	}
	c := &mailchimpCampaign{
		ID: randomHex(5), WebID: 1000 + len(s.state.Mailchimp.Campaigns), Person: person.ID, Type: in.Type, ListID: in.Recipients.ListID,
		Status: "save", Settings: in.Settings, Created: s.now().UTC().Truncate(time.Second),
	}
	c.Archive = r.base + "/mailchimp-archive/" + c.ID
	s.state.Mailchimp.Campaigns = append(s.state.Mailchimp.Campaigns, c)
	return s.mailchimpChanged(r, c)
}

// mailchimpListOf finds a list that a person still has.
func (s *Sandbox) mailchimpListOf(person, id string) *oauthPage {
	for _, list := range s.oauth(mailchimpService).pages(mailchimpService.person(person)) {
		if list.ID == id {
			return &list
		}
	}
	return nil
}

func mailchimpRead(s *Sandbox, r *apiRequest, c *mailchimpCampaign) answer {
	return mailchimpAnswer(r.URL.Query().Get("fields"), s.mailchimpFields(c))
}

// mailchimpChanged answers with a campaign that was changed and must be saved.
func (s *Sandbox) mailchimpChanged(r *apiRequest, c *mailchimpCampaign) answer {
	a := mailchimpRead(s, r, c)
	a.changed = true
	return a
}

func mailchimpUpdate(s *Sandbox, r *apiRequest, c *mailchimpCampaign) answer {
	var in struct {
		Settings mailchimpSettings `json:"settings"`
	}
	if refusal := mailchimpDecode(r, &in); refusal != nil {
		return *refusal
	}
	if c.Status != "save" {
		return mailchimpBadRequest("This campaign cannot be edited: its status is " + s.mailchimpStatus(c) + ".")
	}
	if refusal := in.Settings.check(); refusal != nil {
		return *refusal
	}
	c.Settings = in.Settings.over(c.Settings)
	return s.mailchimpChanged(r, c)
}

func mailchimpDelete(s *Sandbox, _ *apiRequest, c *mailchimpCampaign) answer {
	if s.mailchimpStatus(c) == "sending" {
		return mailchimpBadRequest("A campaign that is being sent cannot be deleted.")
	}
	s.state.Mailchimp.Campaigns = slices.DeleteFunc(s.state.Mailchimp.Campaigns, func(known *mailchimpCampaign) bool { return known == c })
	return answer{status: http.StatusNoContent, changed: true}
}

func mailchimpContent(s *Sandbox, r *apiRequest, c *mailchimpCampaign) answer {
	var in struct {
		HTML *string `json:"html"`
	}
	if refusal := mailchimpDecode(r, &in); refusal != nil {
		return *refusal
	}
	switch {
	case c.Status != "save":
		return mailchimpBadRequest("This campaign cannot be edited: its status is " + s.mailchimpStatus(c) + ".")
	case in.HTML == nil:
		return mailchimpInvalid("html", "This stand-in takes content as html only.")
	}
	c.HTML = *in.HTML
	a := mailchimpAnswer(r.URL.Query().Get("fields"), map[string]any{
		"html": c.HTML, "plain_text": textOf(c.HTML), "archive_html": c.archived(), "_links": []any{},
	})
	a.changed = true
	return a
}

// mailchimpProblems are what the send checklist finds, as headings and details.
func (s *Sandbox) mailchimpProblems(c *mailchimpCampaign) [][2]string {
	problems := [][2]string{}
	add := func(wrong bool, heading, details string) {
		if wrong {
			problems = append(problems, [2]string{heading, details})
		}
	}
	add(c.ListID == "" || s.mailchimpListOf(c.Person, c.ListID) == nil, "Audience", "You haven't chosen an audience for this campaign.")
	add(text(c.Settings.Subject) == "", "Subject", "You haven't entered a subject line for this campaign.")
	add(text(c.Settings.FromName) == "", "From Name", "You haven't entered a from name for this campaign.")
	add(text(c.Settings.ReplyTo) == "", "From Email", "You haven't entered a from email address for this campaign.")
	add(strings.TrimSpace(c.HTML) == "", "Content", "You haven't designed this campaign yet.")
	return problems
}

func mailchimpChecklist(s *Sandbox, r *apiRequest, c *mailchimpCampaign) answer {
	items := []any{}
	problems := s.mailchimpProblems(c)
	for i, problem := range problems {
		items = append(items, map[string]any{"type": "error", "id": 500 + i, "heading": problem[0], "details": problem[1]})
	}
	items = append(items, map[string]any{"type": "success", "id": 501, "heading": "Tracking", "details": "You chose to track opens and clicks."})
	return mailchimpAnswer(r.URL.Query().Get("fields"), map[string]any{"is_ready": len(problems) == 0, "items": items, "_links": []any{}})
}

func mailchimpSend(s *Sandbox, r *apiRequest, c *mailchimpCampaign) answer {
	switch {
	case c.Status == "sending":
		return mailchimpBadRequest("This campaign has already been sent.")
	case c.Status != "save":
		return mailchimpBadRequest("This campaign cannot be sent: its status is " + c.Status + ".")
	case len(s.mailchimpProblems(c)) > 0:
		return mailchimpBadRequest("Your Campaign is not ready to send.")
	}
	c.SendAt = s.now().UTC()
	s.mailchimpBegin(c)
	return answer{status: http.StatusNoContent, changed: true}
}

func mailchimpSchedule(s *Sandbox, r *apiRequest, c *mailchimpCampaign) answer {
	var in struct {
		At time.Time `json:"schedule_time"`
	}
	if refusal := mailchimpDecode(r, &in); refusal != nil {
		return *refusal
	}
	_, offset := in.At.Zone()
	switch {
	case offset != 0 || !in.At.Equal(in.At.Truncate(15*time.Minute)):
		return mailchimpInvalid("schedule_time", "Campaigns may only be scheduled to send on the quarter-hour (:00, :15, :30, :45), in UTC.")
	case !in.At.After(s.now()):
		return mailchimpInvalid("schedule_time", "The time is in the past.")
	case c.Status != "save" || len(s.mailchimpProblems(c)) > 0:
		return mailchimpBadRequest("This campaign cannot be scheduled: .")
	}
	c.Status, c.SendAt = "schedule", in.At.UTC()
	return answer{status: http.StatusNoContent, changed: true}
}

func mailchimpUnschedule(_ *Sandbox, _ *apiRequest, c *mailchimpCampaign) answer {
	if c.Status != "schedule" {
		return mailchimpBadRequest("This campaign is not scheduled.")
	}
	c.Status, c.SendAt = "save", time.Time{}
	return answer{status: http.StatusNoContent, changed: true}
}

// mailchimpBegin begins to send: from here on it is on its way to its readers.
func (s *Sandbox) mailchimpBegin(c *mailchimpCampaign) {
	c.Status = "sending"
	list := s.mailchimpListOf(c.Person, c.ListID)
	post := Post{
		Platform: "mailchimp", Account: c.Person + "/" + c.ListID, ID: c.ID, Title: text(c.Settings.Subject), Text: textOf(c.archived()), HTML: c.HTML,
		URL: c.Archive, PublishedAt: c.SendAt, Audience: fmt.Sprintf("%s (%d contacts)", list.Name, mailchimpMembers),
	}
	for _, shown := range shownFiles(c.HTML) {
		for _, file := range s.state.Mailchimp.Files {
			if file.URL == shown.url {
				file := file.PostFile
				file.AltText = shown.alt
				post.Files = append(post.Files, file)
				break
			}
		}
	}
	s.recordPublished(post)
}

// mailchimpSettle sends what was scheduled and whose time has come. It is saved with the next change; until then a restart
// comes to the same result.
func (s *Sandbox) mailchimpSettle() {
	for _, c := range s.state.Mailchimp.Campaigns {
		if c.Status == "schedule" && !c.SendAt.After(s.now()) && len(s.mailchimpProblems(c)) == 0 {
			s.mailchimpBegin(c)
		}
	}
}

// mailchimpStatus is a campaign's status now: sending takes a moment.
func (s *Sandbox) mailchimpStatus(c *mailchimpCampaign) string {
	if c.Status == "sending" && !s.now().Before(c.SendAt.Add(seconds(s.oauth(mailchimpService).Settings.SendingSeconds, mailchimpSending))) {
		return "sent"
	}
	return c.Status
}

// mailchimpFields gives a campaign as JSON.
func (s *Sandbox) mailchimpFields(c *mailchimpCampaign) map[string]any {
	stamp := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.Format("2006-01-02T15:04:05-07:00")
	}
	sent := 0
	if s.mailchimpStatus(c) == "sent" {
		sent = mailchimpMembers
	}
	name := ""
	if list := s.mailchimpListOf(c.Person, c.ListID); list != nil {
		name = list.Name
	}
	return map[string]any{
		"id": c.ID, "web_id": c.WebID, "type": c.Type, "create_time": stamp(c.Created), "send_time": stamp(c.SendAt),
		"archive_url": c.Archive, "long_archive_url": c.Archive, "status": s.mailchimpStatus(c), "emails_sent": sent, "content_type": "html",
		"recipients": map[string]any{"list_id": c.ListID, "list_is_active": name != "", "list_name": name, "recipient_count": mailchimpMembers},
		"settings": map[string]any{
			"subject_line": text(c.Settings.Subject), "preview_text": text(c.Settings.Preview), "title": text(c.Settings.Title),
			"from_name": text(c.Settings.FromName), "reply_to": text(c.Settings.ReplyTo), "use_conversation": false, "auto_footer": false,
		},
		"tracking": map[string]any{"opens": true, "html_clicks": true}, "_links": []any{},
	}
}

// mailchimpFind is GET /campaigns: status, list_id, since_create_time, before_create_time, sort_field=create_time with
// sort_dir, count, offset, fields.
func mailchimpFind(s *Sandbox, r *apiRequest, person *oauthPerson) answer {
	query := r.URL.Query()
	times := map[string]time.Time{}
	for _, name := range []string{"since_create_time", "before_create_time"} {
		if value := query.Get(name); value != "" {
			at, err := time.Parse(time.RFC3339, value)
			if err != nil {
				return mailchimpInvalid(name, "This value is not a valid datetime.")
			}
			times[name] = at
		}
	}
	count, offset := number(query.Get("count"), 10), number(query.Get("offset"), 0)
	if count > 1000 {
		return mailchimpInvalid("count", "This value should be 1000 or less.")
	}
	found := []*mailchimpCampaign{}
	for _, c := range s.state.Mailchimp.Campaigns {
		since, before := times["since_create_time"], times["before_create_time"]
		if c.Person == person.ID && !c.Created.Before(since) && (before.IsZero() || c.Created.Before(before)) &&
			(query.Get("list_id") == "" || query.Get("list_id") == c.ListID) &&
			(query.Get("status") == "" || query.Get("status") == s.mailchimpStatus(c)) {
			found = append(found, c)
		}
	}
	if query.Get("sort_dir") == "DESC" {
		slices.Reverse(found)
	}
	campaigns := []any{}
	for _, c := range window(found, offset, count) {
		campaigns = append(campaigns, s.mailchimpFields(c))
	}
	return mailchimpAnswer(query.Get("fields"), map[string]any{"campaigns": campaigns, "total_items": len(found), "_links": []any{}})
}

// mailchimpReport is GET /reports/{id}, of campaigns that are on their way. One of the contacts is gone, half of the others
// open the e-mail, some of them click.
func mailchimpReport(_ *Sandbox, r *apiRequest, c *mailchimpCampaign) answer {
	if c.Status != "sending" {
		return mailchimpMissing()
	}
	return mailchimpAnswer(r.URL.Query().Get("fields"), map[string]any{
		"id": c.ID, "type": c.Type, "list_id": c.ListID, "subject_line": text(c.Settings.Subject), "emails_sent": mailchimpMembers,
		"abuse_reports": 0, "unsubscribed": 1,
		"bounces":  map[string]any{"hard_bounces": 1, "soft_bounces": 0, "syntax_errors": 0},
		"forwards": map[string]any{"forwards_count": 2, "forwards_opens": 1},
		"opens":    map[string]any{"opens_total": 80, "unique_opens": 60, "open_rate": 0.5},
		"clicks":   map[string]any{"clicks_total": 24, "unique_clicks": 20, "unique_subscriber_clicks": 18, "click_rate": 0.15},
	})
}

// mailchimpUpload is POST /file-manager/files. The names that files get have the ending of what they are.
func mailchimpUpload(s *Sandbox, r *apiRequest, person *oauthPerson) answer {
	var in struct {
		Name string `json:"name"`
		Data string `json:"file_data"`
	}
	if refusal := mailchimpDecode(r, &in); refusal != nil {
		return *refusal
	}
	content, err := base64.StdEncoding.DecodeString(in.Data)
	switch {
	case in.Name == "":
		return mailchimpInvalid("name", "This value should not be blank.")
	case err != nil || len(content) == 0:
		return mailchimpInvalid("file_data", "This value is not base64-encoded data.")
	case len(content) > mailchimpMaxFile:
		return mailchimpInvalid("file_data", "The file is larger than 10 MB.")
	}
	size, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return mailchimpInvalid("file_data", "The file is none of the types JPEG, GIF and PNG.")
	}
	stored, err := s.keepBlob(content)
	if err != nil {
		return mailchimpProblem(http.StatusInternalServerError, "Internal Server Error", "The file could not be stored.")
	}
	file := &mailchimpFile{
		ID: 7000 + len(s.state.Mailchimp.Files), Person: person.ID, URL: r.base + stored.Path(), PostFile: stored,
		Name: strings.TrimSuffix(in.Name, path.Ext(in.Name)) + "." + strings.Replace(format, "jpeg", "jpg", 1),
	}
	file.PostFile.ID = strconv.Itoa(file.ID)
	s.state.Mailchimp.Files = append(s.state.Mailchimp.Files, file)
	a := mailchimpAnswer(r.URL.Query().Get("fields"), map[string]any{
		"id": file.ID, "folder_id": 0, "type": "image", "name": file.Name, "full_size_url": file.URL, "thumbnail_url": file.URL,
		"size": len(content), "width": size.Width, "height": size.Height, "created_at": s.now().UTC().Format(time.RFC3339),
		"created_by": person.Name, "_links": []any{},
	})
	a.changed = true
	return a
}

// archived is the e-mail as its page shows it, with the merge tags filled in and the footer that Mailchimp adds where there is
// no way to unsubscribe.
func (c *mailchimpCampaign) archived() string {
	page := c.HTML
	if !strings.Contains(page, "*|UNSUB|*") {
		page += `<p><a href="*|UNSUB|*">unsubscribe</a> *|LIST:ADDRESSLINE|*</p>`
	}
	return strings.NewReplacer("*|UNSUB|*", "#unsubscribe", "*|MC_PREVIEW_TEXT|*", html.EscapeString(text(c.Settings.Preview)), "*|ARCHIVE|*", c.Archive, "*|LIST:ADDRESSLINE|*", "1 Sandbox Street, London").Replace(page)
}

// showMailchimpCampaign shows a campaign that was sent. The HTML is its author's own, so nothing in it may run.
func (s *Sandbox) showMailchimpCampaign(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.mailchimpSettle()
	page := ""
	for _, c := range s.state.Mailchimp.Campaigns {
		if c.ID == r.PathValue("campaign") && c.Status == "sending" {
			page = c.archived()
		}
	}
	s.mu.Unlock()
	if page == "" {
		render(w, http.StatusNotFound, "missing", map[string]any{"Title": "Not found"})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: data:; frame-ancestors 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(page))
}
