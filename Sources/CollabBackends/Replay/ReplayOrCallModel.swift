public import Collab

/// A model that is replayed as far as it was recorded, and called where it was not.
///
/// What is called is recorded, so that a run that was interrupted, or a recipe that has grown, costs only what is new.
public struct ReplayOrCallModel<Base: TextModel>: TextModel {
    /// The model that is called.
    public let base: RecordingModel<Base>
    let player: CassettePlayer
    let pace: ReplayModel.Pace

    /// The name of the model that is called.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }

    /// Answers as recorded, else calls and records.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        guard let entry = player.recorded(CallKey(model: name, request: Run.asked(request))) else {
            return try await base.generate(request, into: sink)
        }
        return try await entry.replay(at: pace, into: sink)
    }
}

extension ReplayOrCallModel: Collaboration where Base: Collaboration {}

extension TextModel {
    /// Replays this model's recorded calls, and calls it for the rest.
    ///
    /// - Parameters:
    ///   - player: the recorded calls.
    ///   - recorder: where further calls are taken down.
    ///   - pace: how fast recorded answers come.
    public func replaying(
        _ player: CassettePlayer,
        recordingTo recorder: CassetteRecorder,
        pace: ReplayModel.Pace = .immediate
    ) -> ReplayOrCallModel<Self> {
        ReplayOrCallModel(base: recording(to: recorder), player: player, pace: pace)
    }
}
