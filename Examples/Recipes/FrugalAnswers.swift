public import Collab

/// Asks the small model first, and the large one only when the small one is not sure.
///
/// How sure it is comes from the probabilities of the words that it wrote. A model that does not tell them is never
/// taken to be sure.
///
/// - Parameters:
///   - small: cheap; most questions should end here.
///   - large: dear; its answer is taken in any case.
///   - sureness: the geometric mean of the token probabilities above which an answer is accepted.
public func frugalAnswers(
    small: any TextModel,
    large: any TextModel,
    sureness: Double = 0.8
) -> some TextModel {
    Cascade("frugal answers", until: .confidence(above: sureness)) {
        small
        large
    }
}
