import Collab

/// What a model reads and writes by: its vocabulary, and how dialogues are written for it.
struct ModelText {
    let vocabulary: any ModelTokenizer
    let dialogue: DialogueRenderer?

    init(vocabulary: any ModelTokenizer, dialogue: DialogueRenderer?) {
        self.vocabulary = vocabulary
        self.dialogue = dialogue
    }

    /// Reads what a checkpoint's specification says.
    ///
    /// Throws ``Collab/CollabError`` as ``NativeModel/init(contentsOf:name:options:)`` does.
    init(_ checkpoint: any Checkpoint, _ configuration: TransformerConfiguration) throws(CollabError) {
        let source: String?
        switch checkpoint.specification {
        case let specification as GGUFSpecification:
            source = try specification.metadata.string("tokenizer.chat_template")
            vocabulary = try specification.metadata.makeTokenizer()
        case let specification as HuggingFaceSpecification:
            let folder = try Self.folder(of: specification, checkpoint)
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

    private static func folder(
        of specification: HuggingFaceSpecification,
        _ checkpoint: any Checkpoint
    ) throws(CollabError) -> ModelFolder {
        if let folder = specification.folder { return folder }
        throw CollabError(
            .unsupported,
            "\(checkpoint.name) has no folder with a config.json and a tokenizer.json; weights alone cannot be run."
        )
    }

    /// Refuses a vocabulary of another size than the model's.
    func validate(_ configuration: TransformerConfiguration, _ checkpoint: any Checkpoint) throws(CollabError)
    {
        guard vocabulary.count == configuration.vocabularySize else {
            let message = "\(checkpoint.name) has \(configuration.vocabularySize) embeddings for "
            throw CollabError(.malformedFile, message + "\(vocabulary.count) tokens.")
        }
    }
}
