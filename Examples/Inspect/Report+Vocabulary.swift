import Collab
import CollabBackends

extension Report {
    /// Facts about the tokens, as far as the file has any.
    mutating func describeVocabulary(_ metadata: GGUFMetadata) throws(CollabError) {
        guard let tokens = try metadata.strings("tokenizer.ggml.tokens") else { return }
        let kind = try metadata.string("tokenizer.ggml.model") ?? "not named"
        section("Vocabulary", "\(tokens.count.grouped) tokens")
        row("kind", kind.quoted(limit: 40))
        if let pre = try metadata.string("tokenizer.ggml.pre") { row("pre-tokeniser", pre.quoted(limit: 40)) }
        if let merges = try metadata.strings("tokenizer.ggml.merges") { row("merges", merges.count.grouped) }
        if let kinds = try metadata.integers("tokenizer.ggml.token_type") { row("tokens", summary(kinds)) }
        try describeMarkers(metadata, tokens)
        let lengths = (0..<tokens.count).map { tokens.byteCount(at: $0) }
        if let longest = lengths.indices.max(by: { lengths[$0] < lengths[$1] }) {
            row("longest", "“\(tokens[longest].quoted(limit: 40))” (\(longest)), \(lengths[longest]) bytes")
        }
        if let template = try metadata.string("tokenizer.chat_template") {
            row("chat template", "\(template.count.grouped) characters")
        } else {
            row("chat template", "none: the file holds a base model, or its makers left it out")
        }
        do throws(CollabError) {
            row("fingerprint", try metadata.makeTokenizer().fingerprint.description)
        } catch {
            row("tokenizer", error.message.quoted(limit: 120))
        }
    }

    private mutating func describeMarkers(
        _ metadata: GGUFMetadata,
        _ tokens: GGUFStringArray
    ) throws(CollabError) {
        let names = [
            ("begin", "bos", "begins every prompt"), ("end", "eos", "ends every prompt"),
            ("end of turn", "eot", ""),
            ("unknown", "unknown", ""), ("padding", "padding", ""),
        ]
        for (label, key, added) in names {
            guard let id = try metadata.integer("tokenizer.ggml.\(key)_token_id") else { continue }
            let text =
                tokens.indices.contains(id) ? "“\(tokens[id].quoted(limit: 40))”" : "beyond the vocabulary"
            let adds = try metadata.bool("tokenizer.ggml.add_\(key)_token")
            row(label, "\(text) (\(id))" + (adds == true ? ", \(added)" : ""))
        }
    }

    /// How many tokens there are of each kind.
    private func summary(_ kinds: [Int]) -> String {
        let names = [1: "normal", 2: "unknown", 3: "control", 4: "user-defined", 5: "unused", 6: "byte"]
        let counts = Dictionary(grouping: kinds) { names[$0] ?? "of other kinds" }.mapValues(\.count)
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.value.grouped) \($0.key)" }.joined(separator: ", ")
    }
}
