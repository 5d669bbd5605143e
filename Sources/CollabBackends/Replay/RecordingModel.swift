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
        let pieces = Protected<[(text: String, seconds: Double)]>([])
        let start = Run.now
        // Milliseconds tell a stream from another; more digits would only be noise in the file.
        let elapsed: @Sendable () -> Double = { ((Run.now - start) / .milliseconds(1)).rounded() / 1000 }
        let listening = ResponseSink { text in
            let seconds = elapsed()
            pieces.withLock { $0.append((text, seconds)) }
            await sink.send(text)
        }
        func complete(_ entry: inout Cassette.Entry) {
            let came = pieces.withLock { $0 }
            entry.pieces = came.map(\.text)
            entry.pieceSeconds = came.map(\.seconds)
            entry.seconds = elapsed()
        }
        var entry = Cassette.Entry(model: name, request: Run.asked(request))
        do throws(CollabError) {
            let response = try await base.generate(request, into: listening)
            entry.response = response
            complete(&entry)
            try recorder.add(entry)
            return response
        } catch  where error.code != .cancelled && entry.response == nil {
            entry.failure = Cassette.Failure(
                code: error.code.description,
                message: error.message,
                traits: error.callFailure?.traits
            )
            complete(&entry)
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
