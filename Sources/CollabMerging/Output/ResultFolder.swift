import Collab
import CollabBackends

/// What stands beside the weights: the index, the configuration, the tokenizer, and a card.
struct ResultFolder {
    let plan: MergePlan
    let path: String

    /// Files that are taken over from the tokenizer's donor as they are, where it has them.
    static let taken = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "tokenizer.model", "vocab.json",
        "merges.txt", "vocab.txt", "added_tokens.json", "generation_config.json", "chat_template.jinja",
        "chat_template.json",
    ]

    /// Files that are taken over from the configuration's donor: how images, sound and films are cut for its towers.
    static let processors = [
        "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json",
    ]

    func write(
        _ layout: ShardLayout,
        configuration text: String,
        inputs: [InputIdentity],
        identity: String
    ) throws(CollabError) {
        try write("merge_config.yml", Array(text.utf8))
        try write("README.md", Array((card(text, inputs) + Self.mark(identity)).utf8))
        // A GGUF file holds everything else itself.
        guard plan.format == .safetensors else { return }
        if layout.shards.count > 1 {
            try write("model.safetensors.index.json", index(layout).encoded(.pretty))
        }
        if let configuration = try ResultConfiguration(of: plan).json {
            try write("config.json", configuration.encoded(.pretty))
        }
        for (names, folder) in sources { try copy(names, from: folder) }
        if let file = plan.tokenizerFile { try write("tokenizer.json", file.encoded(.pretty)) }
        try writeChatTemplate()
    }

    /// The card's last line, by which a finished merge is known again, and which other files of the same contents change.
    static func mark(_ identity: String) -> String { "\n<!-- merge \(identity) -->\n" }

    private func index(_ layout: ShardLayout) -> JSONValue {
        var map = JSONObject()
        for shard in layout.shards {
            for tensor in shard.tensors { map[tensor.name] = .string(shard.file) }
        }
        for buffer in plan.buffers { map[buffer.name] = .string(layout.shards[0].file) }
        let size = plan.byteCount + plan.buffers.reduce(0) { $0 + $1.tensor.byteCount }
        return ["metadata": ["total_size": JSONValue(size)], "weight_map": .object(map)]
    }

    /// Puts the template that the configuration asks for where readers of any age look for it.
    private func writeChatTemplate() throws(CollabError) {
        guard let template = plan.chatTemplate else { return }
        try write("chat_template.jinja", Array(template.utf8))
        guard let folder = (plan.tokenizerDonor.specification as? HuggingFaceSpecification)?.folder else {
            return
        }
        for name in ["tokenizer_config.json", "chat_template.json"] where folder.contains(name) {
            guard var settings = try JSONValue(parsing: folder.map(name)).objectValue else { continue }
            settings["chat_template"] = .string(template)
            try write(name, JSONValue.object(settings).encoded(.pretty))
        }
    }

    /// The folders that files are taken over from, with these files' names.
    private var sources: [(names: [String], folder: ModelFolder)] {
        func folder(of donor: any Checkpoint) -> ModelFolder? {
            (donor.specification as? HuggingFaceSpecification)?.folder
        }
        return [(Self.taken, folder(of: plan.tokenizerDonor)), (Self.processors, folder(of: plan.donor))]
            .compactMap { names, folder in folder.map { (names, $0) } }
    }

    /// Throws what copying would throw: a link that is not followed, a file that may not be read.
    func checkSources() throws(CollabError) {
        guard plan.format == .safetensors else { return }
        for (names, folder) in sources {
            for name in names where folder.contains(name) { _ = try folder.map(name) }
        }
    }

    private func copy(_ names: [String], from folder: ModelFolder) throws(CollabError) {
        for name in names where folder.contains(name) {
            let file = try folder.map(name)
            try write(name, withExtendedLifetime(file) { Array(file.bytes) })
        }
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws(CollabError) {
        let file = try AtomicFile(path: path + "/" + name)
        try bytes.withUnsafeBufferPointer { (bytes) throws(CollabError) in
            try file.write(UnsafeRawBufferPointer(bytes), at: 0)
        }
        try file.finish()
    }

    private func card(_ text: String, _ inputs: [InputIdentity]) -> String {
        let models = plan.document.models.map(\.description)
        var card = "---\n"
        card += "base_model:\n" + models.map { "- \"\($0.replacing("\"", with: "'"))\"\n" }.joined()
        card += "tags:\n- merge\n- \(plan.document.method)\n---\n\n"
        card += "# \(plan.document.name ?? "A merge by \(plan.document.method)")\n\n"
        card += "Made with Collab from \(models.count) model\(models.count == 1 ? "" : "s"):\n\n"
        card += "| model | file | bytes | SHA-256 |\n| --- | --- | --- | --- |\n"
        for input in inputs {
            let kind = input.isComplete ? "" : " (of header and samples)"
            card += "| \(input.model) | \(input.file) | \(input.byteCount) | \(input.digest)\(kind) |\n"
        }
        card += "\nSeed of random methods: \(plan.seed).\n\n## Configuration\n\n```yaml\n\(text)"
        return card + (text.hasSuffix("\n") ? "" : "\n") + "```\n"
    }
}
