public import Collab

/// Asks the small model first and accepts what it says where no more than a share of such answers is wrong.
///
/// The threshold is learned from questions whose answers are known, and keeps its promise on others of the same kind, but
/// for a share `delta` of the times that it is learned.
///
/// - Parameters:
///   - small: cheap; it answers what it may be trusted with.
///   - large: dear; it answers the rest.
///   - outcomes: how sure the small model was of its answers, and whether they were right.
///   - risk: the share of accepted answers that may be wrong.
///   - delta: the probability with which the promise may fail.
public func promisedQuality(
    small: any TextModel,
    large: any TextModel,
    learnedFrom outcomes: [ScoredOutcome],
    risk: Double = 0.1,
    delta: Double = 0.05
) throws -> some TextModel {
    let threshold = try CalibratedThreshold.keepingRisk(below: risk, failingAtMost: delta, on: outcomes)
    return Cascade("promised quality", until: .confidence(above: threshold)) {
        small
        large
    }
}
