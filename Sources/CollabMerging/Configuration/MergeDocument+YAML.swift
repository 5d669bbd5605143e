public import Collab

extension MergeDocument {
    private static let keys = [
        "name", "merge_method", "base_model", "models", "slices", "modules", "parameters", "dtype",
        "out_dtype",
        "tokenizer_source", "tokenizer", "chat_template",
    ]

    /// Reads the documents of a configuration.
    ///
    /// - Parameters:
    ///   - yaml: the text.
    ///   - source: what to call it in errors.
    ///
    /// Throws ``Collab/CollabError`` with `malformedFile`, naming line and column, for what is no YAML or no
    /// configuration: an unknown key or method, a parameter that the method does not read, a value of a wrong kind.
    public static func documents(yaml: String, source: String) throws(CollabError) -> [MergeDocument] {
        let nodes = try YAMLNode.documents(yaml, source: source).filter { !$0.isNull }
        guard !nodes.isEmpty else { throw CollabError(.malformedFile, "\(source) is empty.") }
        var documents: [MergeDocument] = []
        for node in nodes { documents.append(try MergeDocument(node)) }
        return documents
    }

    init(_ node: YAMLNode) throws(CollabError) {
        let members = try node.members("the configuration", known: Self.keys)
        guard let methodNode = members["merge_method"] else { throw node.error("merge_method is missing.") }
        let method = try methodNode.text("merge_method")
        guard let schema = MethodSchema.all[method] else {
            let known = MethodSchema.all.keys.sorted()
            let nearest = known.min { editDistance(method, $0) < editDistance(method, $1) } ?? ""
            throw methodNode.error(
                "There is no method “\(method)”; “\(nearest)” may be meant. Known are \(known.joined(separator: ", "))."
            )
        }
        self.method = method
        let reader = DocumentReader(schema: schema)
        name = try members["name"].map { (node) throws(CollabError) in try reader.name(node) }
        base = try reader.model(members["base_model"])
        parameters = try reader.parameters(members["parameters"], in: .document)
        format = try reader.format(members["dtype"], "dtype")
        outputFormat = try reader.format(members["out_dtype"], "out_dtype")
        chatTemplate = try members["chat_template"]?.text("chat_template")
        tokenizer = try reader.tokenizer(members["tokenizer"], source: members["tokenizer_source"])
        modules = try reader.modules(members, of: node)
    }
}

/// Reads the parts of a configuration for one method.
struct DocumentReader {
    let schema: MethodSchema

    /// Where parameters are set.
    enum Level {
        case source, document
    }

    /// A document's name; whether it has to be that of a folder depends on the others, see ``MergeFile``.
    func name(_ node: YAMLNode) throws(CollabError) -> String {
        let name = try node.text("name")
        guard !name.isEmpty else { throw node.error("name is empty.") }
        return name
    }

    func model(_ node: YAMLNode?) throws(CollabError) -> ModelReference? {
        guard let node else { return nil }
        if case .mapping = node.content {
            let members = try node.members("a model", known: ["model", "lora", "override_architecture"])
            if let override = members["override_architecture"] {
                throw override.error(
                    "override_architecture is not supported: tensors are matched by their names."
                )
            }
            var (path, revision) = ("", String?.none)
            guard let inner = members["model"] else { throw node.error("A model has no path.") }
            if case .mapping = inner.content {
                let parts = try inner.members("a model", known: ["path", "revision"])
                guard let text = try parts["path"]?.text("path") else {
                    throw inner.error("A model has no path.")
                }
                path = text
                revision = try parts["revision"]?.text("revision")
            } else {
                path = try inner.text("model")
            }
            return ModelReference(path: path, revision: revision, adapter: try members["lora"]?.text("lora"))
        }
        let text = try node.text("a model")
        guard let reference = ModelReference(text) else { throw node.error("“\(text)” names no model.") }
        return reference
    }

    func source(_ node: YAMLNode, hasLayers: Bool) throws(CollabError) -> MergeDocument.Source {
        let known = ["model", "parameters"] + (hasLayers ? ["layer_range"] : [])
        let members = try node.members(hasLayers ? "a source" : "an entry of models", known: known)
        guard let model = try model(members["model"]) else { throw node.error("A source names no model.") }
        return MergeDocument.Source(
            model: model,
            layers: try members["layer_range"].map { (node) throws(CollabError) in try layers(node) },
            parameters: try parameters(members["parameters"], in: .source)
        )
    }

    private func layers(_ node: YAMLNode) throws(CollabError) -> Range<Int> {
        let ends = try node.items("layer_range")
        guard ends.count == 2 else {
            throw node.error("layer_range has a first layer and the one after the last.")
        }
        let (first, last) = (try ends[0].integer("layer_range"), try ends[1].integer("layer_range"))
        guard first >= 0, last >= first, last <= 1 << 20 else {
            throw node.error("layer_range [\(first), \(last)] is no range of layers.")
        }
        return first..<last
    }

    func slice(_ node: YAMLNode) throws(CollabError) -> MergeDocument.Slice {
        let members = try node.members(
            "a slice",
            known: ["sources", "base_model", "parameters", "residual_weight"]
        )
        if let weight = members["residual_weight"] {
            throw weight.error("residual_weight changes nothing in any tool; leave it out.")
        }
        guard let list = members["sources"] else { throw node.error("A slice has no sources.") }
        var sources: [MergeDocument.Source] = []
        for item in try list.items("sources") { sources.append(try source(item, hasLayers: true)) }
        guard let first = sources.first else { throw list.error("A slice has no sources.") }
        if let other = sources.first(where: { $0.layers?.count != first.layers?.count }) {
            throw list.error(
                "The sources of a slice take different numbers of layers: \(first.model) and \(other.model)."
            )
        }
        return MergeDocument.Slice(
            sources: sources,
            base: try model(members["base_model"]),
            parameters: try parameters(members["parameters"], in: .document)
        )
    }

    func format(_ node: YAMLNode?, _ key: String) throws(CollabError) -> TensorFormat? {
        guard let node else { return nil }
        let name = try node.text(key)
        switch name.hasPrefix("torch.") ? String(name.dropFirst(6)) : name {
        case "float32": return .f32
        case "float16": return .f16
        case "bfloat16": return .bf16
        case let other: throw node.error("\(key) is float32, float16 or bfloat16, not “\(other)”.")
        }
    }
}

extension DocumentReader {
    /// Reads parameters; one that the method does not read is an error.
    func parameters(_ node: YAMLNode?, in level: Level) throws(CollabError) -> ParameterScope {
        guard let node else { return [:] }
        guard case .mapping(let members) = node.content else {
            throw node.error("parameters should be a mapping.")
        }
        var scope: ParameterScope = [:]
        for member in members {
            let (key, value) = (member.key, member.value)
            guard let parameter = schema.parameters[key] else {
                throw value.error(
                    unknownKey(key, of: "the method \(schema.name)", known: Array(schema.parameters.keys))
                )
            }
            if level == .source, !parameter.isOwn {
                throw value.error("“\(key)” is set for the whole merge, not for one model.")
            }
            scope[key] = ScopedSetting(rules: try rules(value, key, parameter.kind))
        }
        return scope
    }

    private func rules(
        _ node: YAMLNode,
        _ key: String,
        _ kind: MethodSchema.Kind
    ) throws(CollabError) -> [ScopedSetting.Rule] {
        switch node.content {
        case .scalar: return [.init(value: .single(try setting(node, key, kind)))]
        case .mapping: return [try rule(node, key, kind)]
        case .sequence(let items):
            guard let first = items.first else { throw node.error("“\(key)” is an empty list.") }
            guard case .mapping = first.content else {
                return [.init(value: try value(node, key, kind))]
            }
            var rules: [ScopedSetting.Rule] = []
            for item in items { rules.append(try rule(item, key, kind)) }
            return rules
        }
    }

    private func rule(
        _ node: YAMLNode,
        _ key: String,
        _ kind: MethodSchema.Kind
    ) throws(CollabError) -> ScopedSetting.Rule {
        let members = try node.members("a rule for “\(key)”", known: ["filter", "value"])
        guard let content = members["value"] else { throw node.error("A rule for “\(key)” has no value.") }
        return .init(filter: try members["filter"]?.text("filter"), value: try value(content, key, kind))
    }

    private func value(
        _ node: YAMLNode,
        _ key: String,
        _ kind: MethodSchema.Kind
    ) throws(CollabError) -> ScopedSetting.Value {
        guard case .sequence(let items) = node.content else { return .single(try setting(node, key, kind)) }
        guard !items.isEmpty else { throw node.error("“\(key)” is an empty list.") }
        var settings: [Setting] = []
        for item in items { settings.append(try setting(item, key, kind)) }
        return .gradient(settings)
    }

    private func setting(_ node: YAMLNode, _ key: String, _ kind: MethodSchema.Kind) throws(CollabError)
        -> Setting
    {
        guard case .scalar(let text, _) = node.content else {
            throw node.error("“\(key)” has a value of no known kind.")
        }
        switch kind {
        case .flag: return .flag(try node.flag("“\(key)”"))
        case .path: return .text(text)
        case .number(let range), .count(let range):
            guard let number = Double(text), number.isFinite else {
                throw node.error("“\(key)” should be a number.")
            }
            guard range.contains(number) else {
                throw node.error(
                    "“\(key)” should lie between \(range.lowerBound) and \(range.upperBound); \(text) does not."
                )
            }
            if case .count = kind, number != number.rounded() {
                throw node.error("“\(key)” should be a whole number; \(text) is none.")
            }
            return .number(number)
        }
    }

    func tokenizer(_ node: YAMLNode?, source: YAMLNode?) throws(CollabError) -> TokenizerSetting? {
        if let source {
            if let node { throw node.error("tokenizer and tokenizer_source are both there; one is enough.") }
            return TokenizerSetting(vocabulary: try vocabulary(source))
        }
        guard let node else { return nil }
        let members = try node.members("tokenizer", known: ["source", "tokens", "pad_to_multiple_of"])
        var setting = TokenizerSetting(vocabulary: .union)
        if let source = members["source"] { setting.vocabulary = try vocabulary(source) }
        if let multiple = members["pad_to_multiple_of"] {
            let value = try multiple.integer("pad_to_multiple_of")
            guard (1...1 << 20).contains(value) else {
                throw multiple.error("pad_to_multiple_of is \(value).")
            }
            setting.multiple = value
        }
        if let tokens = members["tokens"] {
            guard case .mapping(let list) = tokens.content else {
                throw tokens.error("tokens should be a mapping.")
            }
            for member in list { setting.tokens[member.key] = try token(member.value) }
        }
        return setting
    }

    private func vocabulary(_ node: YAMLNode) throws(CollabError) -> TokenizerSetting.Vocabulary {
        if case .scalar(let text, _) = node.content {
            if text == "base" { return .base }
            if text == "union" { return .union }
        }
        guard let model = try model(node) else { throw node.error("The tokenizer's source is missing.") }
        return .model(model)
    }

    private func token(_ node: YAMLNode) throws(CollabError) -> TokenizerSetting.Token {
        let members = try node.members("a token", known: ["source", "force"])
        let force = try members["force"]?.flag("force") ?? false
        guard let source = members["source"] else { return .init(embedding: nil, isForced: force) }
        if case .mapping(let parts) = source.content, parts.contains(where: { $0.key == "kind" }) {
            let parts = try source.members("a token's source", known: ["kind", "model", "token", "token_id"])
            switch try parts["kind"]?.text("kind") {
            case "zero"?: return .init(embedding: .zero, isForced: force)
            case "model_token"?:
                guard let model = try model(parts["model"]) else {
                    throw source.error("The token's model is missing.")
                }
                if let token = try parts["token"]?.text("token") {
                    return .init(embedding: .token(model, token), isForced: force)
                }
                guard let number = try parts["token_id"]?.integer("token_id") else {
                    throw source.error("A token's source names a token or a token_id.")
                }
                guard number >= 0 else { throw source.error("token_id is \(number); numbers begin at 0.") }
                return .init(embedding: .identifier(model, number), isForced: force)
            case let kind:
                throw source.error(
                    "A token's source is of the kind zero or model_token, not “\(kind ?? "")”."
                )
            }
        }
        guard let model = try model(source) else { throw source.error("A token's source is missing.") }
        return .init(embedding: .model(model), isForced: force)
    }
}
