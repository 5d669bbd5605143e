import Collab

/// Everything about a model that is not a weight: its shape, its vocabulary, and how dialogues are written for it.
struct ModelParts {
    let configuration: TransformerConfiguration
    let vocabulary: any ModelTokenizer
    let dialogue: DialogueRenderer?

    /// Reads what a checkpoint's specification says, the cheap checks first.
    ///
    /// - Parameter contextLength: the longest text that will be run, if it was chosen.
    ///
    /// Throws ``Collab/CollabError`` as ``NativeModel/init(contentsOf:name:options:)`` does.
    init(_ checkpoint: any Checkpoint, contextLength: Int?) throws(CollabError) {
        configuration = try TransformerConfiguration(describing: checkpoint, contextLength: contextLength)
        try configuration.validate(against: checkpoint)
        let source: String?
        switch checkpoint.specification {
        case let specification as GGUFSpecification:
            source = try specification.metadata.string("tokenizer.chat_template")
            vocabulary = try specification.metadata.makeTokenizer()
        case let specification as HuggingFaceSpecification:
            guard let folder = specification.folder else {
                throw CollabError(
                    .unsupported,
                    "\(checkpoint.name) has no folder with a config.json and a tokenizer.json; weights alone cannot be run."
                )
            }
            source = try folder.chatTemplate()
            vocabulary = try TrimmedTokenizer.fitting(
                try folder.makeTokenizer(count: configuration.vocabularySize),
                to: configuration.vocabularySize,
                of: checkpoint.name
            )
        default:
            throw CollabError(.unsupported, "\(checkpoint.name) does not say what its tokens are.")
        }
        let template = try source.map { (source) throws(CollabError) in try ChatTemplate(source: source) }
        dialogue = template.map { [vocabulary] in DialogueRenderer(template: $0, vocabulary: vocabulary) }
    }
}
