public import Collab

extension NativeModel {
    /// The tokens that a request becomes.
    ///
    /// A text to be continued is taken as it stands, after the beginning token if the model was trained with one. A
    /// dialogue is rendered in the model's ``NativeOptions/promptForm``. Names of control tokens in a message are text.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if the request cannot be rendered for this model, and
    /// `unsupported` for images and files.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        switch request.input {
        case .completion(let text):
            return try vocabulary.encodePrompt(text, parsingSpecialTokens: false)
        case .dialogue(let messages):
            if let attachment = messages.lazy.flatMap(\.attachments).first {
                throw CollabError(.unsupported, "\(name) reads text, no \(attachment.kind).")
            }
            if let labels {
                return try vocabulary.encodePrompt(labels.text(of: messages), parsingSpecialTokens: false)
            }
            guard let dialogue else {
                throw CollabError(
                    .invalidRequest,
                    "\(name) has no chat template; choose PromptForm.plain(), or ask for a completion."
                )
            }
            return try dialogue.tokens(for: messages)
        }
    }

    /// A decoder that has read a request; in the plain form the answer ends where the next question would begin.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        var start = try await startDecoding(reading: try promptTokens(for: request))
        if case .dialogue = request.input { start.stopSequences = labels?.stopSequences ?? [] }
        return start
    }

    /// The labels of the plain form, where the model uses it.
    var labels: PromptForm.Labels? {
        switch options.promptForm {
        case .automatic: dialogue == nil ? PromptForm.Labels() : nil
        case .chatTemplate: nil
        case .labelled(let labels): labels
        }
    }
}
