package import struct Collab.CollabError

extension ModelFolder {
    /// The text of the chat template; `nil` for a base model, which has none.
    ///
    /// It is a file of its own, `chat_template.jinja`, or a text in `tokenizer_config.json`, or the one called
    /// `default` of several there.
    ///
    /// Throws ``Collab/CollabError`` with `malformedFile` for a file that is not what it should be.
    package func chatTemplate() throws(CollabError) -> String? {
        if contains("chat_template.jinja") {
            let file = try map("chat_template.jinja")
            guard let text = String(validating: file.bytes, as: UTF8.self) else {
                throw CollabError(.malformedFile, "\(file.path) is not UTF-8.")
            }
            return text
        }
        guard contains("tokenizer_config.json") else { return nil }
        let file = try map("tokenizer_config.json")
        guard let value = try JSONValue(parsing: file)["chat_template"], !value.isNull else { return nil }
        if let text = value.stringValue { return text }
        let chosen = value.arrayValue?.first { $0["name"]?.stringValue == "default" } ?? value[0]
        guard let text = chosen?["template"]?.stringValue else {
            throw CollabError(
                .malformedFile,
                "\(file.path): “chat_template” is \(value.kind), but must be a text or a list of templates with names."
            )
        }
        return text
    }
}
