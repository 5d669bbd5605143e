import Collab
import CollabBackends

/// The chat template that a merge's result gets.
enum NamedChatTemplate {
    /// The text for a configuration's `chat_template`; `nil` leaves what the tokenizer has.
    ///
    /// `auto` is what most of the models have (of equally many the first's), a name is one of ``texts``, and anything
    /// else is a template itself.
    ///
    /// - Parameter templates: of the models that have one, in the order of the configuration.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` for a name that is not known, and what parsing a template throws.
    static func text(_ setting: String?, of templates: [String]) throws(CollabError) -> String? {
        guard let setting else { return nil }
        if setting == "auto" {
            var counts: [(text: String, count: Int)] = []
            for text in templates {
                if let place = counts.firstIndex(where: { $0.text == text }) {
                    counts[place].count += 1
                } else {
                    counts.append((text, 1))
                }
            }
            return counts.enumerated().max { ($0.element.count, $1.offset) < ($1.element.count, $0.offset) }?
                .element.text
        }
        if let text = texts[setting] { return text }
        guard setting.contains("{%") || setting.contains("{{") else {
            let known = texts.keys.sorted()
            throw CollabError(
                .unsupported,
                "The chat template “\(setting)” is neither known by name (\(known.joined(separator: ", "))) nor a "
                    + "template in Jinja; “auto” takes what most of the models have."
            )
        }
        do throws(CollabError) { _ = try ChatTemplate(source: setting) } catch {
            throw error.within("the configuration's chat_template")
        }
        return setting
    }

    /// The formats that mergekit has names for.
    static let texts: [String: String] = [
        "chatml": """
        {% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}\
        {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
        """,
        "llama3": """
        {{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' \
        + message['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}\
        {{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}
        """,
        "mistral": """
        {{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}\
        {{ ' ' + message['content'] + eos_token }}{% elif message['role'] == 'user' %}{{ '[INST] ' }}\
        {% if messages[0]['role'] == 'system' and loop.index0 == 1 %}{{ messages[0]['content'] + '\\n\\n' }}{% endif %}\
        {{ message['content'] + ' [/INST]' }}{% endif %}{% endfor %}
        """,
        "alpaca": """
        {% for message in messages %}{% if message['role'] == 'user' %}{{ '### Instruction:\\n' + message['content'] \
        + '\\n\\n' }}{% elif message['role'] == 'assistant' %}{{ '### Response:\\n' + message['content'] + eos_token \
        + '\\n\\n' }}{% else %}{{ message['content'] + '\\n\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}\
        {{ '### Response:\\n' }}{% endif %}
        """,
        "exaone": """
        {% for message in messages %}{{ '[|' + message['role'] + '|]' + message['content'] }}\
        {% if message['role'] == 'user' %}{{ '\\n' }}{% else %}{{ '[|endofturn|]\\n' }}{% endif %}{% endfor %}\
        {% if add_generation_prompt %}{{ '[|assistant|]' }}{% endif %}
        """,
    ]
}
