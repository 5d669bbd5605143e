public import Collab

/// One merge as a configuration in mergekit's YAML describes it.
///
/// The form is documented by mergekit (C. Goddard et al., *Arcee's MergeKit: A Toolkit for Merging Large Language
/// Models*, 2024); ``MergeDocument/documents(yaml:source:)`` reads it. Unlike there, a key that nothing reads is an
/// error.
public struct MergeDocument: Hashable, Sendable {
    /// A model that takes part, with the parameters that are its own.
    public struct Source: Hashable, Sendable {
        /// The model.
        public var model: ModelReference
        /// Which of its layers; `nil` for all.
        public var layers: Range<Int>?
        /// Its parameters.
        public var parameters: ParameterScope

        /// Makes a source.
        public init(model: ModelReference, layers: Range<Int>? = nil, parameters: ParameterScope = [:]) {
            self.model = model
            self.layers = layers
            self.parameters = parameters
        }
    }

    /// Layers that are merged from layers of the sources and stacked on those of the slice before.
    public struct Slice: Hashable, Sendable {
        /// The sources, all with the same number of layers.
        public var sources: [Source]
        /// The base in this slice; `nil` for the document's.
        public var base: ModelReference?
        /// The slice's parameters.
        public var parameters: ParameterScope

        /// Makes a slice.
        public init(sources: [Source], base: ModelReference? = nil, parameters: ParameterScope = [:]) {
            self.sources = sources
            self.base = base
            self.parameters = parameters
        }
    }

    /// A part of the models that is merged by itself, with layers that are counted by themselves.
    public struct Module: Hashable, Sendable {
        /// What the configuration calls it, such as `vision_tower`; `nil` for the whole of models without modules.
        public var name: String?
        /// The slices; a module that lists models has one, of all layers.
        public var slices: [Slice]
        /// The module's parameters, which count before the document's own.
        public var parameters: ParameterScope

        /// Makes a module.
        public init(name: String? = nil, slices: [Slice], parameters: ParameterScope = [:]) {
            self.name = name
            self.slices = slices
            self.parameters = parameters
        }
    }

    /// What a document is called where others refer to it.
    public var name: String?
    /// The method as the configuration spells it, such as `dare_ties`.
    public var method: String
    /// The model that task vectors are measured from, and whose configuration and tokenizer the result has.
    public var base: ModelReference?
    /// The modules; a document that lists none has one without a name, to which everything belongs.
    public var modules: [Module]
    /// The document's parameters.
    public var parameters: ParameterScope
    /// What `dtype` asks for: what tensors are stored in unless ``outputFormat`` says otherwise.
    public var format: TensorFormat?
    /// What `out_dtype` asks for.
    public var outputFormat: TensorFormat?
    /// Where the vocabulary comes from; `nil` leaves embeddings as they are.
    public var tokenizer: TokenizerSetting?
    /// The chat template: `auto`, a name, or the template; `nil` for the tokenizer's own.
    public var chatTemplate: String?

    /// The slices of all modules, in the order of the configuration.
    public var slices: [Slice] { modules.flatMap(\.slices) }

    /// The parameters that are set anywhere in the document.
    var parameterScopes: [ParameterScope] {
        [parameters] + modules.map(\.parameters) + slices.map(\.parameters)
            + slices.flatMap { $0.sources.map(\.parameters) }
    }

    /// All models that the document names, in the order in which it does, each once.
    public var models: [ModelReference] {
        var found: [ModelReference] = []
        func note(_ model: ModelReference?) {
            if let model, !found.contains(model) { found.append(model) }
        }
        for slice in slices {
            for source in slice.sources { note(source.model) }
            note(slice.base)
        }
        note(base)
        return found
    }
}

/// Where a merge's vocabulary comes from.
public struct TokenizerSetting: Hashable, Sendable {
    /// Whose vocabulary it is.
    public enum Vocabulary: Hashable, Sendable {
        /// The base's, or the first model's.
        case base
        /// The base's and what the others add to it.
        case union
        /// A model's.
        case model(ModelReference)
    }

    /// Where the embedding of a token comes from.
    public enum Embedding: Hashable, Sendable {
        /// A model's embedding of the same token.
        case model(ModelReference)
        /// A model's embedding of a token, given by its text.
        case token(ModelReference, String)
        /// A model's embedding of a token, given by its number.
        case identifier(ModelReference, Int)
        /// Zeros.
        case zero
    }

    /// What is said of one token.
    public struct Token: Hashable, Sendable {
        /// Where its embedding comes from; `nil` for the usual rules.
        public var embedding: Embedding?
        /// Whether that holds for models that have an embedding of their own too.
        public var isForced: Bool
    }

    /// Whose vocabulary it is.
    public var vocabulary: Vocabulary
    /// Rules for single tokens, by their text.
    public var tokens: [String: Token] = [:]
    /// The number of embeddings is rounded up to a multiple of this.
    public var multiple: Int?
}
