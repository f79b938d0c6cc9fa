//! Lists in the words of people.

/// `generation 1`, `generations 1, 2`
pub(super) fn generations(numbers: &[u32]) -> String {
    let shown: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    format!("generation{} {}", if numbers.len() == 1 { "" } else { "s" }, shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::generations;

    #[test]
    fn one_is_told_from_several() {
        assert_eq!(generations(&[3]), "generation 3");
        assert_eq!(generations(&[1, 2]), "generations 1, 2");
    }
}
