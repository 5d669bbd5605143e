public import Collab

/// A model whose calls are taken down on a cassette.
public struct RecordingModel<Base: TextModel>: TextModel {
    /// The model that answers.
    public let base: Base
    let recorder: CassetteRecorder

    /// The name of the model that answers.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Answers, then records the call; a cancelled call is not recorded.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let pieces = Protected<[String]>([])
        let start = Run.now
        let listening = ResponseSink { text in
            pieces.withLock { $0.append(text) }
            await sink.send(text)
        }
        var entry = Cassette.Entry(model: name, request: Run.asked(request))
        do throws(CollabError) {
            let response = try await base.generate(request, into: listening)
            entry.response = response
            entry.pieces = pieces.withLock { $0 }
            entry.seconds = (Run.now - start) / .seconds(1)
            try recorder.add(entry)
            return response
        } catch  where error.code != .cancelled && entry.response == nil {
            entry.failure = Cassette.Failure(
                code: error.code.description,
                message: error.message,
                traits: error.callFailure?.traits
            )
            entry.pieces = pieces.withLock { $0 }
            entry.seconds = (Run.now - start) / .seconds(1)
            try recorder.add(entry)
            throw error
        }
    }
}

extension RecordingModel: Collaboration where Base: Collaboration {}

extension TextModel {
    /// Takes down every call of this model on a cassette.
    public func recording(to recorder: CassetteRecorder) -> RecordingModel<Self> {
        RecordingModel(base: self, recorder: recorder)
    }
}
