// Package generate writes posts with a language model: one variant per platform, in the voice of one customer, within each
// platform's rules. What breaks a rule is given back to the model once; what still does is told, and never cut.
//
// The model sees one customer and what was asked, and has no tools. Texts that others have written, the customer's earlier posts
// among them, are material. So the most that such a text can do is to spoil a draft of that customer, which people see before it
// goes out.
package generate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fanfare/internal/llm"
	"fanfare/internal/platform"
)

// Brief is what is to be written, and what for.
type Brief struct {
	Customer Customer
	// Campaign is what the posts belong to; zero: nothing.
	Campaign Campaign
	// Recent are the customer's newest posts, as examples of how it writes.
	Recent []string
	// Memories are what the brand's people and agents have asked to keep in mind, the newest first.
	Memories []string
	// Request is what somebody asks for who may write posts.
	Request string
	// Platforms are what each post has a variant for, each once.
	Platforms []platform.Name
	// Posts are the posts to write.
	Posts []Post
	// Material is what others have written.
	Material []llm.Material
	// Check holds a variant against the rules of its platform.
	Check func(name platform.Name, title string, v Variant) (platform.Report, error)
}

// Customer is the brand that is written for.
type Customer struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	BrandVoice  string `json:"brand_voice,omitempty"`
	Audience    string `json:"audience,omitempty"`
}

// Campaign is a group of posts with a goal.
type Campaign struct {
	Name string `json:"name,omitempty"`
	Goal string `json:"goal,omitempty"`
}

// Post says how one of the posts differs from the others.
type Post struct {
	// Language is a tag of BCP 47: "de-AT".
	Language string
	// Version counts those in the same language, from 1.
	Version int
}

// Variant is a post on one platform.
type Variant struct {
	Text string `json:"text"`
	// Subject and PreviewText are an e-mail's.
	Subject     string `json:"subject,omitempty"`
	PreviewText string `json:"preview_text,omitempty"`
	// Excerpt is a blog's short summary.
	Excerpt string `json:"excerpt,omitempty"`
}

// Draft is a post as it was written.
type Draft struct {
	// Title is there where a platform has titles.
	Title    string
	Variants map[platform.Name]Variant
	// Reports are what Check found, of each variant.
	Reports map[platform.Name]platform.Report
}

// Result is what was written, in the order of Brief.Posts.
type Result struct {
	Drafts []Draft
	// Usage is what all calls took, also those that failed: see llm.Error.
	Usage llm.Usage
	// MicroUSD is what they cost, in millionths of a US dollar, each by its own length.
	MicroUSD int64
	// Calls is how often the model was asked: once, or twice with a repair.
	Calls int
	// RepairErr is why the repair failed, where it was needed and did: the drafts are then as they were before.
	RepairErr error
}

// Event tells how far the work is.
type Event struct {
	// Kind is "writing", "checking" or "repairing".
	Kind string
	// Platform is what is being written for, Characters how much of it there is, over all posts.
	Platform   platform.Name
	Characters int
}

// Sizes of what is shown to the model.
const (
	maxRecent  = 600  // characters of one earlier post
	maxEarlier = 5000 // bytes of a variant that is to be written anew, and of the rules that it breaks
)

// Tokens that an answer may have.
const (
	// thinkingTokens is for what a model thinks before it writes.
	thinkingTokens = 8000
	frameTokens    = 300 // of a post, beside its variants
)

// platformRules say what a platform wants, and how many tokens its variant may take.
var platformRules = map[platform.Name]struct {
	tokens int64
	rules  string
}{
	platform.Twitter: {600, "one post on X of at most 280 characters. X counts every link as 23 characters, and an emoji or a Chinese, Japanese or Korean character as 2. Stay below 260 to be safe. One thought, at most two hashtags."},
	platform.LinkedIn: {2000, "a post on LinkedIn of at most 3000 characters, usually 600 to 1200. The first line makes people read on. Short paragraphs with an empty line between them. " +
		"No Markdown, which LinkedIn shows as it is written."},
	platform.Facebook:  {2000, "a post on a Facebook page, usually 300 to 800 characters. Friendly and direct. No Markdown."},
	platform.Mailchimp: {4000, "an e-mail to subscribers: a subject of at most 60 characters, a preview text of at most 100 that does not repeat it, and the text, as plain paragraphs with an empty line between them. No Markdown, no HTML."},
	platform.Ghost:     {6000, "an article for a blog: an excerpt of at most 250 characters, and the text, as plain paragraphs with an empty line between them. No Markdown, no HTML; links stand as they are."},
}

const instructions = `You write posts for social networks, newsletters and blogs, for one brand, as a seasoned editor of that brand would.

- Write in the brand's voice and for its audience, in the language that each post asks for, whatever language the request is in.
- What the brand's people asked to keep in mind holds for every post, as far as it says how to write or what is true.
- Say only what the request, the brand's description and the material support. Invent no facts, prices, dates, quotes, names or addresses.
- The variants of a post say the same, each as suits its platform. Posts in the same language differ from each other in their approach, not just in words.
- Texts are ready to be published: no placeholders, no notes, no explanations.
- Keep to the limits that are named for each platform. They are hard.`

// Write writes the posts. Its error is an *llm.Error, unless Check failed; the result tells what was used then too. tell is told how far
// it is, in order; nil: nobody is.
func Write(ctx context.Context, model *llm.Model, brief Brief, tell func(Event)) (Result, error) {
	if tell == nil {
		tell = func(Event) {}
	}
	w := &writing{brief: brief, model: model, tell: tell}
	result, err := w.write(ctx)
	result.Usage, result.MicroUSD, result.Calls = w.usage, w.microUSD, w.calls
	return result, err
}

func (w *writing) write(ctx context.Context) (Result, error) {
	var result Result
	written, err := w.ask(ctx, w.first(), w.all())
	if err != nil {
		return Result{}, err
	}
	result.Drafts = make([]Draft, len(w.brief.Posts))
	for i := range result.Drafts {
		result.Drafts[i] = Draft{Variants: map[platform.Name]Variant{}, Reports: map[platform.Name]platform.Report{}}
	}
	take(result.Drafts, written)
	w.tell(Event{Kind: "checking"})
	if err := w.check(result.Drafts); err != nil {
		return Result{}, err
	}
	again := w.broken(result.Drafts)
	if len(again) == 0 {
		return result, nil
	}
	w.tell(Event{Kind: "repairing"})
	written, result.RepairErr = w.ask(ctx, w.repair(result.Drafts, again), again)
	if result.RepairErr != nil {
		return result, nil //nolint:nilerr // what was written first is there, and tells what it breaks
	}
	take(result.Drafts, written)
	w.tell(Event{Kind: "checking"})
	return result, w.check(result.Drafts)
}

// Bound is what Write can take at most, the repair included.
func Bound(model *llm.Model, brief Brief) llm.Bound {
	w := &writing{brief: brief, model: model}
	first := w.first()
	// A repair repeats the brief, and shows each variant once with the rules that it breaks.
	repair := first
	repair.Material = append(slices.Clone(first.Material), llm.Material{Text: strings.Repeat("x", w.earlierBytes())})
	return model.Bound(first).Add(model.Bound(repair))
}

// earlierBytes is how much a repair shows of what was written, at most, with what is said of it.
func (w *writing) earlierBytes() int {
	const around = 200
	// A post has a title besides.
	return len(w.brief.Posts) * (len(w.brief.Platforms) + 1) * 2 * (maxEarlier + around)
}

// wanted is a variant of a post, or the title of one, which has no platform.
type wanted struct {
	post int
	name platform.Name
}

// writing is the work on one brief.
type writing struct {
	brief Brief
	model *llm.Model
	tell  func(Event)

	// usage, microUSD and calls are what was used so far.
	usage    llm.Usage
	microUSD int64
	calls    int
}

// titled tells whether posts have titles.
func (w *writing) titled() bool {
	return slices.Contains(w.brief.Platforms, platform.Ghost) || slices.Contains(w.brief.Platforms, platform.Mailchimp)
}

// all is everything that the brief asks for.
func (w *writing) all() []wanted {
	var all []wanted
	for i := range w.brief.Posts {
		if w.titled() {
			all = append(all, wanted{post: i})
		}
		for _, name := range w.brief.Platforms {
			all = append(all, wanted{i, name})
		}
	}
	return all
}

// ask asks for what is wanted, and reads it.
func (w *writing) ask(ctx context.Context, request llm.Request, want []wanted) (map[wanted]Variant, error) {
	meter := newMeter(func(name platform.Name, characters int) {
		w.tell(Event{Kind: "writing", Platform: name, Characters: characters})
	})
	request.Progress = meter.read
	answer, err := w.model.Ask(ctx, request)
	took := answer.Usage
	if failed := (*llm.Error)(nil); errors.As(err, &failed) {
		took = failed.Usage
	}
	w.calls, w.usage, w.microUSD = w.calls+1, w.usage.Add(took), w.microUSD+w.model.Cost(took)
	if err != nil {
		return nil, err
	}
	written, err := readAnswer(answer.JSON, want)
	if err != nil {
		return nil, w.model.BadAnswer(err.Error(), answer.Usage)
	}
	return written, nil
}

// first asks for everything.
func (w *writing) first() llm.Request {
	all := w.all()
	return llm.Request{Instructions: instructions, Task: w.task(all), Material: w.material(), Schema: w.schema(all), MaxOutput: w.maxOutput()}
}

// task says what is to be written. What it quotes of the customer is JSON, so that it cannot look like something else.
func (w *writing) task(want []wanted) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The brand: %s\n", inJSON(w.brief.Customer))
	if w.brief.Campaign != (Campaign{}) {
		fmt.Fprintf(&b, "The campaign that the posts belong to: %s\n", inJSON(w.brief.Campaign))
	}
	b.WriteString("\nThe platforms:\n")
	for _, name := range w.brief.Platforms {
		if slices.ContainsFunc(want, func(x wanted) bool { return x.name == name }) {
			fmt.Fprintf(&b, "- %s: %s\n", name, platformRules[name].rules)
		}
	}
	b.WriteString("\nThe posts:\n")
	for i, post := range w.brief.Posts {
		if slices.ContainsFunc(want, func(x wanted) bool { return x.post == i }) {
			fmt.Fprintf(&b, "- %s: in the language %s, version %d\n", postKey(i), post.Language, post.Version)
		}
	}
	fmt.Fprintf(&b, "\nRequest:\n%s", w.brief.Request)
	return b.String()
}

// memoriesSource is what the model is told that memories are.
const memoriesSource = "what the brand's people asked to keep in mind, the newest first"

// material is what others have written, the earlier posts first.
func (w *writing) material() []llm.Material {
	var material []llm.Material
	if len(w.brief.Recent) > 0 {
		var recent []string
		for _, text := range w.brief.Recent {
			recent = append(recent, begin(text, maxRecent))
		}
		material = append(material, llm.Material{Source: "earlier posts of the brand, for their voice; do not repeat them", Text: strings.Join(recent, "\n---\n")})
	}
	if len(w.brief.Memories) > 0 {
		material = append(material, llm.Material{Source: memoriesSource, Text: strings.Join(w.brief.Memories, "\n---\n")})
	}
	return append(material, w.brief.Material...)
}

// maxOutput is how many tokens an answer to the whole brief may have.
func (w *writing) maxOutput() int64 {
	tokens := int64(frameTokens)
	for _, name := range w.brief.Platforms {
		tokens += platformRules[name].tokens
	}
	return thinkingTokens + tokens*int64(len(w.brief.Posts))
}

// check holds all variants against the rules.
func (w *writing) check(drafts []Draft) error {
	for i := range drafts {
		for name, v := range drafts[i].Variants {
			report, err := w.brief.Check(name, drafts[i].Title, v)
			if err != nil {
				return err
			}
			drafts[i].Reports[name] = report
		}
	}
	return nil
}

// broken is what is to be written anew: what breaks a rule that words can keep.
func (w *writing) broken(drafts []Draft) []wanted {
	var again []wanted
	for i, draft := range drafts {
		title := false
		var names []wanted
		for _, name := range w.brief.Platforms {
			own := false
			for _, v := range draft.Reports[name].Violations {
				title = title || (v.Field == "title" && w.titled())
				own = own || slices.Contains(repairable, v.Field)
			}
			if own {
				names = append(names, wanted{i, name})
			}
		}
		if title {
			again = append(again, wanted{post: i})
		}
		again = append(again, names...)
	}
	return again
}

// repairable are the fields that a variant has, besides the title.
var repairable = []string{"text", "options.subject", "options.preview_text", "options.excerpt"}

// repair asks for what broke a rule, with the rule.
func (w *writing) repair(drafts []Draft, again []wanted) llm.Request {
	request := llm.Request{Instructions: instructions, Material: w.material(), Schema: w.schema(again), MaxOutput: w.maxOutput()}
	var b, earlier strings.Builder
	b.WriteString(w.task(again))
	b.WriteString("\n\nThis was written already, and is the last material. Write anew only what the answer asks for, as what was written breaks these rules:\n")
	for _, x := range again {
		what, text := "title", drafts[x.post].Title
		if x.name != "" {
			what, text = string(x.name), inJSON(drafts[x.post].Variants[x.name])
		}
		fmt.Fprintf(&earlier, "%s, %s: %s\n", postKey(x.post), what, strings.ToValidUTF8(text[:min(len(text), maxEarlier)], ""))
		var rules strings.Builder
		for _, name := range w.brief.Platforms {
			for _, v := range drafts[x.post].Reports[name].Violations {
				if (x.name == "" && v.Field == "title") || (x.name == name && slices.Contains(repairable, v.Field)) {
					fmt.Fprintf(&rules, "%s (rule %s, limit %d, has %d) ", v.Message, v.Rule, v.Limit, v.Actual)
				}
			}
		}
		broken := rules.String()
		fmt.Fprintf(&b, "- %s, %s: %s\n", postKey(x.post), what, strings.ToValidUTF8(broken[:min(len(broken), maxEarlier)], ""))
	}
	request.Task = b.String()
	request.Material = append(request.Material, llm.Material{Source: "what was written before", Text: earlier.String()})
	return request
}

// begin is a text, or its beginning where it is longer than limit characters.
func begin(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}

func inJSON(v any) string {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain texts
	}
	return string(encoded)
}
